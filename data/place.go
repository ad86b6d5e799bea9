package data

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// placer puts files into a tree, each all at once: a reader sees nothing or the whole
// file, and a run that was killed can be repeated. A file that is there with the right
// size is left alone.
type placer struct {
	root  string
	temp  string // a folder on the same disk for files in the making
	count *counter
}

func newPlacer(root string, count *counter) (*placer, error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	pattern := filepath.Join(root, ".partial-*")
	removeStale(escapeGlob(root) + "/.partial-*")
	temp, err := os.MkdirTemp(root, filepath.Base(pattern))
	return &placer{root: root, temp: temp, count: count}, err
}

func (p *placer) close() { os.RemoveAll(p.temp) }

// there reports whether a file of this size is in place.
func there(path string, size int64) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// write makes root/name of content.
func (p *placer) write(name string, content *io.SectionReader) error {
	path, size := filepath.Join(p.root, name), content.Size()
	if there(path, size) {
		return nil
	}
	f, err := os.CreateTemp(p.temp, "*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // without effect after the rename
	n, err := io.Copy(f, content)
	if err == nil && n != size {
		err = fmt.Errorf("%w: %d of %d bytes", io.ErrUnexpectedEOF, n, size)
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return p.move(f.Name(), path)
}

// move renames a file to path, whose folder it makes.
func (p *placer) move(from, path string) error {
	if err := os.Rename(from, path); err == nil || !os.IsNotExist(err) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.Rename(from, path)
}

// adopt puts the file at from in place: moved when it lies inside root already, else
// hard-linked, and copied where links do not work.
func (p *placer) adopt(ctx context.Context, from, name string, inside bool) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	p.count.add(info.Size())
	path := filepath.Join(p.root, name)
	if there(path, info.Size()) {
		return nil
	}
	if inside {
		return p.move(from, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	link := filepath.Join(p.temp, "link")
	if os.Link(from, link) == nil {
		return os.Rename(link, path)
	}
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return p.write(name, io.NewSectionReader(f, 0, info.Size()))
}
