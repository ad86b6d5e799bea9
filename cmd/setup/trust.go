package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Programs load the libraries of the cache, so whoever can replace them runs code as the user. The
// rules are those of OpenSSH's StrictModes: the folder and all folders above it belong to the user or
// root, and nobody else can write to them.

// permissions are those of one file or folder.
type permissions struct {
	mode     fs.FileMode
	uid, gid int
}

// permissionsOf returns the permissions of a file, links followed. A test replaces it.
var permissionsOf = func(path string) (permissions, error) {
	info, err := os.Stat(path)
	if err != nil {
		return permissions{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return permissions{}, errors.ErrUnsupported
	}
	return permissions{mode: info.Mode(), uid: int(st.Uid), gid: int(st.Gid)}, nil
}

// unmappedOwner is how the kernel shows owners that a user namespace, such as that of a rootless
// container, does not map.
const unmappedOwner = 65534

// checkTrust returns an error if another user can replace the libraries of the cache, and a warning if
// a group can. Folders that do not exist are in order.
func (s *setup) checkTrust(euid int) (warning string, err error) {
	for _, path := range s.trusted() {
		p, err := permissionsOf(path)
		if err != nil || isFile(path) && len(path) <= len(s.cache) {
			continue // a file in the place of a folder is an error of its own, with other advice than chmod
		}
		above := len(path) < len(s.cache)
		if err := p.check(path, s.cache, euid, above); err != nil {
			return "", err
		}
		if p.mode&0o020 != 0 && p.mode&fs.ModeSticky == 0 && p.gid != 0 && p.gid != euid { // a user's private group has the user's number
			warning = fmt.Sprintf("members of group %d can write to %s and so replace libraries that programs load; run: chmod g-w '%s'",
				p.gid, path, path)
		}
	}
	return warning, nil
}

// isFile reports whether path, links followed, is there and no folder.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// check returns an error if a user other than euid and root can replace what is in path.
func (p permissions) check(path, cache string, euid int, above bool) error {
	const risk = "could replace libraries that programs load"
	switch {
	case p.uid != 0 && p.uid != euid && !(above && p.uid == unmappedOwner):
		hint := "set XDG_CACHE_HOME to a folder of your own, or change its owner: chown -R " + strconv.Itoa(euid) + " '" + cache + "'"
		if above {
			hint = "set XDG_CACHE_HOME to a folder of your own"
		}
		if euid == 0 {
			hint = "do not run setup as root (sudo) in a user's cache; " + hint
		}
		return fmt.Errorf("%s belongs to %s, who %s; %s", path, "user "+strconv.Itoa(p.uid), risk, hint)
	case p.mode&0o002 != 0 && (p.mode&fs.ModeSticky == 0 || !above):
		hint := "run: chmod -R o-w '" + cache + "'"
		if above {
			hint = "set XDG_CACHE_HOME to a folder that only you can write to, or run: chmod o-w '" + path + "'"
		}
		return fmt.Errorf("every user can write to %s and %s; %s", path, risk, hint)
	}
	return nil
}

// trusted lists what nobody else may replace: the folders above the cache, the cache, and its folders
// of libraries with their files.
func (s *setup) trusted() []string {
	var list []string
	for dir := s.cache; ; dir = filepath.Dir(dir) {
		list = append(list, dir)
		if dir == filepath.Dir(dir) {
			break
		}
	}
	for _, pattern := range []string{"libtorch-*", "libtorch-*/lib", "libtorch-*/lib/*" + sharedSuffix() + "*", "gotch-*", "gotch-*/libtch",
		"gotch-*/libtch/*" + sharedSuffix(), "gotch-*/libtch/probe", "gotch-*/libtch/lib.go", "native-*", "native-*/*", jpegFolder, "objects"} {
		found, _ := filepath.Glob(filepath.Join(s.cache, pattern))
		for _, path := range found {
			// A link names the user's own libtorch, see linked.
			if !strings.Contains(path, "libtorch-link-") {
				list = append(list, path)
			}
		}
	}
	return list
}
