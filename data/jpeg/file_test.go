//go:build cgo

package jpeg

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestReadFile(t *testing.T) {
	d := newDecoder(t)
	dir := t.TempDir()
	want := bytes.Repeat([]byte("0123456789"), 1000)
	for _, content := range [][]byte{want, want[:10], nil, want[:5000]} {
		path := filepath.Join(dir, "x")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := d.ReadFile(path, int64(len(want)))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("read %d bytes, error %v; want %d", len(got), err, len(content))
		}
	}
}

func TestReadFileRefuses(t *testing.T) {
	d := newDecoder(t)
	dir := t.TempDir()
	fifo, link, large := filepath.Join(dir, "fifo.jpg"), filepath.Join(dir, "link.jpg"), filepath.Join(dir, "large.jpg")
	if err := errors.Join(
		syscall.Mkfifo(fifo, 0o600),
		os.Symlink(filepath.Join(dir, "nowhere"), link),
		os.WriteFile(large, make([]byte, 100), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		dir:                          ErrNotRegular,
		fifo:                         ErrNotRegular, // and without waiting for a writer
		link:                         fs.ErrNotExist,
		filepath.Join(dir, "nobody"): fs.ErrNotExist,
		large:                        ErrTooLarge,
	} {
		_, err := d.ReadFile(path, 99)
		var where *fs.PathError
		if !errors.Is(err, want) || !errors.As(err, &where) || where.Path != path {
			t.Errorf("%s: error %v, want %v with the path", path, err, want)
		}
	}
}
