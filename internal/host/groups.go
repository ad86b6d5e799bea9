package host

import (
	"bytes"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// groupFolders returns the folders that hold the limits of a controller for this process: its own control group, then
// those above it up to the mounted root, since the limits of all of them apply. The controller is that of a hierarchy of
// cgroups v1, or "" for v2. On a hybrid system both exist, and the limits are in one of them.
//
// /proc/self/cgroup has the path of the group in the hierarchy; /proc/self/mountinfo has which part of the hierarchy is
// mounted where. In a container the path is often that of the host, of which only the group itself is mounted; with a
// private namespace both begin at the container's group. https://man7.org/linux/man-pages/man7/cgroups.7.html
func groupFolders(root fs.FS, controller string) []string {
	group, ok := ownGroup(root, controller)
	if !ok {
		return nil
	}
	mounts := groupMounts(root, controller)
	if mounts == nil { // unreadable: where they are by convention
		mounts = []groupMount{{root: "/", point: path.Join("sys/fs/cgroup", controller)}}
	}
	for _, m := range mounts {
		if below, ok := m.below(group); ok {
			return upTo(m.point, below)
		}
	}
	return []string{mounts[0].point} // the group is outside of what is mounted
}

// ownGroup returns the path of the process's group in the hierarchy of a controller.
func ownGroup(root fs.FS, controller string) (string, bool) {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return "", false
	}
	for line := range strings.Lines(string(text)) { // number:controllers:path
		parts := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		if len(parts) == 3 && hasWord(parts[1], controller) && strings.HasPrefix(parts[2], "/") {
			return parts[2], true
		}
	}
	return "", false
}

// groupMount is a part of a hierarchy and the folder that shows it, without the leading slash.
type groupMount struct{ root, point string }

// groupMounts lists the mounts of the hierarchy with a controller, or of cgroups v2 if it is empty.
func groupMounts(root fs.FS, controller string) []groupMount {
	text, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return nil
	}
	var list []groupMount
	for line := range bytes.Lines(text) { // 32 31 0:29 ROOT POINT OPTIONS [FIELDS...] - TYPE SOURCE OPTIONS
		mount, kind, ok := strings.Cut(string(bytes.TrimSpace(line)), " - ")
		at, is := strings.Fields(mount), strings.Fields(kind)
		if !ok || len(at) < 5 || len(is) < 3 {
			continue
		}
		if controller == "" && is[0] == "cgroup2" || controller != "" && is[0] == "cgroup" && hasWord(is[2], controller) {
			list = append(list, groupMount{unescape(at[3]), strings.TrimPrefix(path.Clean(unescape(at[4])), "/")})
		}
	}
	return list
}

// below returns the path of a group below the mounted part of the hierarchy.
func (m groupMount) below(group string) (string, bool) {
	if strings.HasPrefix(group, "/..") { // outside of the namespace
		return "", false
	}
	rest, ok := strings.CutPrefix(group, strings.TrimSuffix(m.root, "/"))
	return rest, ok && (rest == "" || rest[0] == '/')
}

// upTo lists the folder below point and its parents, up to point.
func upTo(point, below string) []string {
	var list []string
	for dir := path.Clean("/" + below); ; dir = path.Dir(dir) {
		list = append(list, path.Join(point, dir))
		if dir == "/" {
			return list
		}
	}
}

// hasWord reports whether a word is in a list with commas.
func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// unescape replaces the octal escapes of mountinfo, as \040 for a space.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
