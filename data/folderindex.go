package data

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// folderIndexFormat is the first line of a kept listing. Each further line is a class.
const folderIndexFormat = `{"format":"depthwise folders 2"}`

// keptClass is the listing of a class folder, with stamps that show whether it is current.
type keptClass struct {
	Class    string       `json:"class"`
	Folders  []keptFolder `json:"folders"` // in the order of the images of the class
	Problems []Problem    `json:"problems,omitempty"`
	Own      string       `json:"own,omitempty"` // as in listing
}

// keptFolder is one folder within a class.
type keptFolder struct {
	Path  string      `json:"path"` // relative to the class; empty: the class folder itself
	Stamp folderStamp `json:"stamp"`
	Names string      `json:"names"` // of its images, in their order, separated by "/"
}

// folderStamp identifies a folder and the time of its last change. It changes when a name is added,
// removed or renamed. The second time, ctime, cannot be set by programs.
type folderStamp struct {
	Device uint64 `json:"dev"`
	Inode  uint64 `json:"ino"`
	Mtime  int64  `json:"mtime"` // nanoseconds
	Ctime  int64  `json:"ctime"`
}

func stampOf(dir string) (folderStamp, error) {
	var s unix.Stat_t
	for {
		err := unix.Stat(dir, &s)
		if err == nil {
			return folderStamp{uint64(s.Dev), s.Ino, s.Mtim.Nano(), s.Ctim.Nano()}, nil //nolint:unconvert // 32 bits elsewhere
		}
		if !errors.Is(err, unix.EINTR) {
			return folderStamp{}, err
		}
	}
}

// unchanged reports whether no folder of the class has changed.
func (k *keptClass) unchanged(root string) bool {
	for _, f := range k.Folders {
		if now, err := stampOf(filepath.Join(root, f.Path)); err != nil || now != f.Stamp {
			return false
		}
	}
	return true
}

// listing restores the result of listClass.
func (k *keptClass) listing(root string) *listing {
	l := &listing{own: k.Own}
	for _, f := range k.Folders {
		if f.Names == "" {
			continue
		}
		dir := filepath.Join(root, f.Path) + string(filepath.Separator)
		for name := range strings.SplitSeq(f.Names, "/") {
			l.files = append(l.files, dir+name)
		}
	}
	for _, p := range k.Problems {
		l.problems = append(l.problems, Problem{filepath.Join(root, p.Path), p.Reason})
	}
	return l
}

// keep returns the listing for the cache. It compares the stamps before and after. It returns nil if a
// later listing could differ without a new stamp: there are links, failures, names that JSON cannot
// represent, or folders that changed after settled.
func (l *listing) keep(class, root string, settled time.Time) *keptClass {
	if l.failed || l.links || !utf8.ValidString(class) {
		return nil
	}
	k := &keptClass{Class: class, Own: l.own}
	for _, dir := range l.visited {
		rel, err := filepath.Rel(root, dir)
		s, ok := l.stamps[dir]
		after, err2 := stampOf(dir)
		names := strings.Join(l.folders[dir], "/")
		if err != nil || err2 != nil || !ok || after != s || max(s.Mtime, s.Ctime) > settled.UnixNano() || !utf8.ValidString(rel+names) {
			return nil
		}
		if rel == "." {
			rel = ""
		}
		k.Folders = append(k.Folders, keptFolder{rel, s, names})
	}
	for _, p := range l.problems {
		rel, err := filepath.Rel(root, p.Path)
		if err != nil || !utf8.ValidString(rel) {
			return nil
		}
		k.Problems = append(k.Problems, Problem{rel, p.Reason})
	}
	return k
}

func writeFolderIndex(w io.Writer, classes []*keptClass) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(z, folderIndexFormat+"\n"); err != nil {
		return err
	}
	e := json.NewEncoder(z)
	e.SetEscapeHTML(false)
	for _, k := range classes {
		if k == nil {
			continue
		}
		if err := e.Encode(k); err != nil {
			return err
		}
	}
	return z.Close()
}

func readFolderIndex(r io.Reader) (map[string]*keptClass, error) {
	z, err := gzip.NewReader(bufio.NewReaderSize(r, 1<<20))
	if err != nil {
		return nil, err
	}
	lines := bufio.NewReaderSize(z, 1<<20)
	if first, err := lines.ReadString('\n'); err != nil || first != folderIndexFormat+"\n" {
		return nil, errors.New("not a listing of folders, or of another version")
	}
	known := map[string]*keptClass{}
	d := json.NewDecoder(lines)
	for {
		k := new(keptClass)
		if err := d.Decode(k); err == io.EOF {
			return known, nil
		} else if err != nil {
			return nil, err
		}
		if len(k.Folders) == 0 {
			return nil, errors.New("a class without a folder")
		}
		known[k.Class] = k
	}
}
