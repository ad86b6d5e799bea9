package data

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"depthwise.dev/data/internal/index"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/internal/sys"
	"depthwise.dev/internal/host"
)

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
	places := make(chan struct{}, 4*host.Processors())
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
	service  map[serviceFiles]*counted
	own      string                 // what a folder in it is that this program wrote, see OwnFolder; "": none
	folders  map[string][]string    // folder -> names of its images
	visited  []string               // all folders
	failed   bool                   // a folder could not be read completely
	failedAt string                 // the first of them, or file; its reason is in problems
	links    bool                   // there are symbolic links
	stamps   map[string]folderStamp // of the visited folders, before they were read; nil: not needed
	err      error                  // an error of the machine
}

// listClass lists a class folder and returns the listing for the cache, or nil.
func listClass(class, root string, cache index.Cache) (*listing, *keptClass) {
	l := &listing{folders: map[string][]string{}, service: map[serviceFiles]*counted{}}
	now := time.Now()
	if cache.Dir != "" {
		l.stamps = map[string]folderStamp{}
	}
	l.walk(root, nil)
	l.countServiceFiles()
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
	l.folders, l.visited, l.stamps, l.service = nil, nil, nil, nil
	return l, kept
}

// walk lists the images of dir and its subfolders. above holds the folders that contain dir.
func (l *listing) walk(dir string, above []fs.FileInfo) {
	info, err := sys.Stat(dir)
	if err != nil {
		l.fail(dir, err)
		return
	}
	if slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }) {
		l.skip(dir, "a link to a folder that contains it")
		return
	}
	l.visit(dir)
	entries, err := sys.ReadDir(dir)
	if err != nil {
		l.fail(dir, err)
	}
	if own := OwnFolder(entries); own != "" {
		l.own = own
		l.skip(dir, own+", not part of the data set")
		return
	}
	above = append(above[:len(above):len(above)], info)
	for _, e := range entries {
		l.entry(dir, e, above)
	}
}

// entry lists one entry of a folder.
func (l *listing) entry(dir string, e fs.DirEntry, above []fs.FileInfo) {
	l.links = l.links || e.Type()&fs.ModeSymlink != 0
	path := filepath.Join(dir, e.Name())
	kind, err := sys.KindOf(dir, e)
	switch {
	case err != nil:
		l.fail(path, err)
	case kind == sys.Folder:
		if reason := names.ServiceFolder(e.Name()); reason != "" {
			l.skip(path, reason)
			return
		}
		l.walk(path, above)
	case !HasImageExtension(e.Name()):
		if reason := strayName(e.Name()); reason != "" {
			l.skip(path, reason)
		}
	case kind != sys.Regular:
		l.skip(path, string(kind))
	case names.ServiceFile(e.Name()) != "":
		l.serviceFile(dir, path, names.ServiceFile(e.Name()))
	default:
		l.folders[dir] = append(l.folders[dir], e.Name())
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

// skip names something that is not used.
func (l *listing) skip(path, reason string) {
	l.problems = append(l.problems, Problem{path, reason})
}

// serviceFiles are the files of a folder that are skipped by their names for one reason: a disk of macOS
// has a resource fork beside each image.
type serviceFiles struct{ dir, reason string }

// counted is the problem that stands for several files.
type counted struct{ problem, files int }

// serviceFile names the first of such files and counts the others.
func (l *listing) serviceFile(dir, path, reason string) {
	key := serviceFiles{dir, reason}
	if c := l.service[key]; c != nil {
		c.files++
		return
	}
	l.service[key] = &counted{problem: len(l.problems), files: 1}
	l.skip(path, reason)
}

func (l *listing) countServiceFiles() {
	for _, c := range l.service {
		if c.files > 1 {
			l.problems[c.problem].Reason += fmt.Sprintf(" (and %d more in this folder)", c.files-1)
		}
	}
}

// fail records what could not be read.
func (l *listing) fail(path string, err error) {
	l.failed = true
	if sys.IsSystemError(err) {
		l.err = cmp.Or(l.err, err)
		return
	}
	l.failedAt = cmp.Or(l.failedAt, path)
	l.skip(path, sys.Reason(err))
}
