package labels

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/internal/sys"
)

// resolver finds the files that a list names. It reads each folder once.
type resolver struct {
	root    string // what relative paths start from
	folders map[string]map[string]bool
}

// suffixes are tried where a list names images without their extension.
var suffixes = []string{".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG", ".tif", ".tiff", ".webp", ".bmp", ".gif"}

// find returns the path of an image, "" if it is missing. Paths may be absolute or lead out of the folder with "..": a list
// is written by its user. Backslashes separate folders where no file has them in its name.
func (r *resolver) find(name string) (string, error) {
	for _, spelling := range []string{name, strings.ReplaceAll(name, `\`, "/")} {
		path := filepath.FromSlash(spelling)
		if !filepath.IsAbs(path) {
			path = filepath.Join(r.root, path)
		}
		path = filepath.Clean(path) // so that an image has one path, however it is written
		files, err := r.list(filepath.Dir(path))
		if err != nil {
			return "", err
		}
		base := filepath.Base(path)
		if files[base] {
			return path, nil
		}
		for _, suffix := range suffixes {
			if !data.HasImageExtension(base) && files[base+suffix] {
				return path + suffix, nil
			}
		}
	}
	return "", nil
}

// list returns the names of the files in a folder, none of a missing one.
func (r *resolver) list(dir string) (map[string]bool, error) {
	if files, ok := r.folders[dir]; ok {
		return files, nil
	}
	entries, err := sys.ReadDir(dir)
	if sys.IsSystemError(err) {
		return nil, err
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("data: %w", err)
		}
		entries = nil // not a folder
	}
	files := make(map[string]bool, len(entries))
	for _, e := range entries {
		if !e.IsDir() {
			files[e.Name()] = true
		}
	}
	r.folders[dir] = files
	return files, nil
}

// otherCase returns the name of a file that differs in case only, or "".
func (r *resolver) otherCase(name string) string {
	path := filepath.Join(r.root, filepath.FromSlash(name))
	files, err := r.list(filepath.Dir(path))
	if err != nil {
		return ""
	}
	for file := range files {
		if strings.EqualFold(file, filepath.Base(path)) {
			return filepath.Join(filepath.Dir(name), file)
		}
	}
	return ""
}

// below returns a folder in the root that holds the image of a name, or "".
func (r *resolver) below(name string) string {
	entries, err := sys.ReadDir(r.root)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		inner := resolver{root: filepath.Join(r.root, e.Name()), folders: r.folders}
		if path, err := inner.find(name); err == nil && path != "" {
			return inner.root
		}
	}
	return ""
}

// missing is the error about images that do not exist.
func (t table) missing(r *resolver, lost []lostImage) error {
	const most = 5
	var examples []string
	for _, m := range lost[:min(most, len(lost))] {
		examples = append(examples, fmt.Sprintf("%s in line %d", names.Show(m.name), m.line))
	}
	advice := fmt.Sprintf("paths start from %s; give another folder with --images DIR, or correct the list", names.Show(r.root))
	first := lost[0].name
	if other := r.otherCase(first); other != "" {
		advice = fmt.Sprintf("there is %s: correct the case", names.Show(other))
	} else if dir := r.below(first); dir != "" {
		advice = fmt.Sprintf("they are in %s: add --images %s", names.Show(dir), names.Show(dir))
	} else if strings.Contains(first, "://") {
		advice = "addresses are not read: download the images"
	}
	if len(lost) > most {
		examples = append(examples, fmt.Sprintf("and %d more", len(lost)-most))
	}
	return fmt.Errorf("data: %s: %d of %d images do not exist (%s); %s", names.Show(t.path), len(lost), len(t.rows), strings.Join(examples, ", "), advice)
}

type lostImage struct {
	name string
	line int
}
