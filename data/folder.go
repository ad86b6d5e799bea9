package data

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"depthwise.dev/data/internal/index"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/internal/sys"
)

// extensions are torchvision's IMG_EXTENSIONS and .gif.
var extensions = []string{".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif"}

// HasImageExtension reports whether a name has the extension of an image.
func HasImageExtension(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(extensions, func(e string) bool { return strings.HasSuffix(name, e) })
}

// ErrNoClasses is returned, wrapped, for a folder without class folders.
var ErrNoClasses = errors.New("no class folders")

// OpenFolder lists dir/CLASS/**/* as torchvision.datasets.ImageFolder does: classes are the folders in
// dir, sorted by code point; links are followed; a file is an image if its name has an image's
// extension (.gif as well). A class folder without an image or that cannot be read is an error. Two
// folders whose names are Unicode forms (NFC and NFD) of one name are one class. Unlike torchvision it
// skips, and names in Problems, what can never be read (dangling links, FIFOs, folders that contain
// themselves through a link), and what belongs to systems and programs: hidden files and folders,
// __MACOSX and the like, and the runs and shards of this program.
func OpenFolder(dir string) (*Dataset, error) { return openFolder(dir, index.Cache{}) }

// OpenCachedFolder is [OpenFolder] that keeps listings of large folders in a cache folder. An empty
// cache means none.
func OpenCachedFolder(dir, cache string) (*Dataset, error) { return openFolder(dir, index.New(cache)) }

// ListFolder is [OpenCachedFolder] that accepts class folders without an image and returns their names.
func ListFolder(dir, cache string) (d *Dataset, empty []string, err error) {
	return listFolder(dir, index.New(cache))
}

func openFolder(dir string, cache index.Cache) (*Dataset, error) {
	d, empty, err := listFolder(dir, cache)
	if err != nil {
		return nil, err
	}
	return d, RefuseEmpty(d, empty)
}

// RefuseEmpty returns an error that names the empty classes of a data set, if there are any.
func RefuseEmpty(d *Dataset, empty []string) error {
	if len(empty) == 0 {
		return nil
	}
	return fmt.Errorf("data: %s: %d of %d class folders contain no image: %s; remove them or add images",
		d.Root, len(empty), len(d.Classes), names.Quote(empty))
}

// listFolder lists a folder; empty names the classes without an image.
func listFolder(dir string, cache index.Cache) (d *Dataset, empty []string, err error) {
	folders, problems, err := classFolders(dir)
	if err != nil {
		return nil, nil, err
	}
	d = &Dataset{Root: dir, Problems: problems}
	lists := listClasses(dir, folders, cache)
	if err := unreadableFolders(dir, folders, lists); err != nil {
		return nil, nil, err
	}
	classes := map[string]int{} // by the key of the name
	for i, folder := range folders {
		l := lists[i]
		if l.own != "" && len(l.files) == 0 {
			d.Problems = append(d.Problems, Problem{filepath.Join(dir, folder), fmt.Sprintf("holds %s and no image: not a class", l.own)})
			continue
		}
		d.Problems = append(d.Problems, l.problems...)
		class, again := classes[names.Key(folder)]
		if again {
			d.Problems = append(d.Problems, Problem{filepath.Join(dir, folder), "another Unicode form of the name of another folder: one class"})
		} else {
			class = len(d.Classes)
			classes[names.Key(folder)] = class
			d.Classes = append(d.Classes, names.Escape(folder))
		}
		for _, path := range l.files {
			d.Samples = append(d.Samples, Sample{Path: path, Class: class})
		}
	}
	if len(d.Classes) == 0 {
		return nil, nil, fmt.Errorf("data: %s: %w: each class needs a folder with its images", dir, ErrNoClasses)
	}
	for class, n := range d.Counts() {
		if n == 0 {
			empty = append(empty, d.Classes[class])
		}
	}
	return d, empty, nil
}

// unreadableFolders returns an error of the machine, or one that names the classes of which nothing
// could be read.
func unreadableFolders(dir string, folders []string, lists []*listing) error {
	var unreadable []string
	for _, l := range lists {
		if l.err != nil {
			return l.err
		}
		if l.failed && len(l.files) == 0 {
			p := l.problems[slices.IndexFunc(l.problems, func(p Problem) bool { return p.Path == l.failedAt })]
			unreadable = append(unreadable, names.Show(p.Path)+": "+p.Reason)
		}
	}
	if unreadable == nil {
		return nil
	}
	const most = 5
	text := strings.Join(unreadable[:min(most, len(unreadable))], "; ")
	return fmt.Errorf("data: %s: %d of %d class folders cannot be read (%s); make them readable (chmod -R u+rX %s), or move them elsewhere",
		dir, len(unreadable), len(folders), text, names.Show(dir))
}

// classFolders returns the names of the folders in dir in Python's order, and what is beside them:
// images, which have no class, and service folders.
func classFolders(dir string) (folders []string, problems []Problem, err error) {
	entries, err := sys.ReadDir(dir)
	if sys.IsSystemError(err) {
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	for _, e := range entries {
		kind, err := sys.KindOf(dir, e)
		if err != nil {
			return nil, nil, err
		}
		path := filepath.Join(dir, e.Name())
		switch reason := names.ServiceFolder(e.Name()); {
		case kind == sys.Dangling: // perhaps a class
			problems = append(problems, Problem{path, string(kind)})
		case kind == sys.Folder && reason != "":
			problems = append(problems, Problem{path, reason})
		case kind == sys.Folder:
			folders = append(folders, e.Name())
		case HasImageExtension(e.Name()):
			problems = append(problems, Problem{path, "an image beside the class folders has no class"})
		}
	}
	slices.SortFunc(folders, names.Compare)
	return folders, problems, nil
}
