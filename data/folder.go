package data

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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
// extension (.gif as well). A class folder without an image is an error. Unlike torchvision it skips,
// and names in Problems, what can never be read: dangling links, FIFOs, and folders that contain
// themselves through a link.
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
	if len(empty) > 0 {
		return nil, fmt.Errorf("data: %s: %d of %d class folders contain no image: %s; remove them or add images",
			dir, len(empty), len(d.Classes), names.Quote(empty))
	}
	return d, nil
}

// listFolder lists a folder; empty names the classes without an image.
func listFolder(dir string, cache index.Cache) (d *Dataset, empty []string, err error) {
	classes, strays, err := classFolders(dir)
	if err != nil {
		return nil, nil, err
	}
	lists := listClasses(dir, classes, cache)
	d = &Dataset{Root: dir, Problems: strays}
	for i, name := range classes {
		l := lists[i]
		if l.err != nil {
			return nil, nil, l.err
		}
		if len(l.files) == 0 && strings.HasPrefix(name, ".") { // such as .ipynb_checkpoints
			d.Problems = append(d.Problems, Problem{filepath.Join(dir, name), "a hidden folder without images: not a class"})
			continue
		}
		for _, path := range l.files {
			d.Samples = append(d.Samples, Sample{Path: path, Class: len(d.Classes)})
		}
		if len(l.files) == 0 {
			empty = append(empty, name)
		}
		d.Classes = append(d.Classes, name)
		d.Problems = append(d.Problems, l.problems...)
	}
	if len(d.Classes) == 0 {
		return nil, nil, fmt.Errorf("data: %s: %w: each class needs a folder with its images", dir, ErrNoClasses)
	}
	return d, empty, nil
}

// classFolders returns the names of the folders in dir in Python's order, and the images beside them,
// which have no class.
func classFolders(dir string) (folders []string, strays []Problem, err error) {
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
		if kind == sys.Folder {
			folders = append(folders, e.Name())
		} else if HasImageExtension(e.Name()) {
			strays = append(strays, Problem{filepath.Join(dir, e.Name()), "an image beside the class folders has no class"})
		}
	}
	slices.SortFunc(folders, names.Compare)
	return folders, strays, nil
}

// listClasses lists class folders in parallel, which is much faster on a network disk. Classes whose
// folders are unchanged come from the cache.
func listClasses(dir string, classes []string, cache index.Cache) []*listing {
	known := map[string]*keptClass{}
	cache.Load("folder", dir, func(r io.Reader) (err error) {
		known, err = readFolderIndex(r)
		return err
	})
	lists, keep := make([]*listing, len(classes)), make([]*keptClass, len(classes))
	var listed atomic.Bool
	var wg sync.WaitGroup
	places := make(chan struct{}, 4*runtime.GOMAXPROCS(0))
	for i, name := range classes {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			root := filepath.Join(dir, name)
			if k := known[name]; k != nil && k.unchanged(root) {
				lists[i], keep[i] = k.listing(root), k
				return
			}
			listed.Store(true)
			lists[i], keep[i] = listClass(name, root, cache)
		})
	}
	wg.Wait()
	images := 0
	for _, l := range lists {
		images += len(l.files)
	}
	if listed.Load() {
		cache.Save("folder", dir, images, func(w io.Writer) error { return writeFolderIndex(w, keep) })
	}
	return lists
}

// listing is the content of a class folder.
type listing struct {
	files    []string // paths, in torchvision's order
	problems []Problem
	folders  map[string][]string    // folder -> names of its images
	visited  []string               // all folders
	failed   bool                   // a folder could not be read completely
	links    bool                   // there are symbolic links
	stamps   map[string]folderStamp // of the visited folders, before they were read; nil: not needed
	err      error                  // an error of the machine
}

// listClass lists a class folder and returns the listing for the cache, or nil.
func listClass(class, root string, cache index.Cache) (*listing, *keptClass) {
	l := &listing{folders: map[string][]string{}}
	now := time.Now()
	if cache.Dir != "" {
		l.stamps = map[string]folderStamp{}
	}
	l.walk(root, nil)
	slices.SortFunc(l.visited, names.Compare) // sorted(os.walk(...)) sorts by the whole path
	for _, f := range l.visited {
		slices.SortFunc(l.folders[f], names.Compare)
		for _, name := range l.folders[f] {
			l.files = append(l.files, filepath.Join(f, name))
		}
	}
	var kept *keptClass
	if cache.Dir != "" {
		kept = l.keep(class, root, now.Add(-cache.Settled))
	}
	l.folders, l.visited, l.stamps = nil, nil, nil
	return l, kept
}

// walk lists the images of dir and its subfolders. above holds the folders that contain dir.
func (l *listing) walk(dir string, above []fs.FileInfo) {
	info, err := sys.Stat(dir)
	if err != nil {
		l.problem(dir, err)
		return
	}
	if slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }) {
		l.problems = append(l.problems, Problem{dir, "a link to a folder that contains it"})
		return
	}
	l.visit(dir)
	entries, err := sys.ReadDir(dir)
	if err != nil {
		l.problem(dir, err)
	}
	for _, e := range entries {
		l.links = l.links || e.Type()&fs.ModeSymlink != 0
		path := filepath.Join(dir, e.Name())
		kind, err := sys.KindOf(dir, e)
		switch {
		case err != nil:
			l.problem(path, err)
		case kind == sys.Folder:
			l.walk(path, append(above[:len(above):len(above)], info))
		case !HasImageExtension(e.Name()):
			if reason := strayName(e.Name()); reason != "" {
				l.problems = append(l.problems, Problem{path, reason})
			}
		case kind == sys.Regular:
			l.folders[dir] = append(l.folders[dir], e.Name())
		default:
			l.problems = append(l.problems, Problem{path, string(kind)})
		}
	}
}

// visit records a folder before it is read.
func (l *listing) visit(dir string) {
	l.visited = append(l.visited, dir)
	if l.stamps == nil {
		return
	}
	if s, err := stampOf(dir); err == nil {
		l.stamps[dir] = s
	}
}

func (l *listing) problem(path string, err error) {
	l.failed = true
	if sys.IsSystemError(err) {
		l.err = cmp.Or(l.err, err)
		return
	}
	l.problems = append(l.problems, Problem{path, sys.Reason(err)})
}
