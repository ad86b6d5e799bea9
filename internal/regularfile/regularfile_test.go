package regularfile

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestClear: what a file cannot replace is removed, and nothing else.
func TestClear(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(syscall.Mkfifo(at("pipe"), 0o600), os.WriteFile(at("file"), nil, 0o600), os.Mkdir(at("folder"), 0o700), os.Symlink("nowhere", at("link"))); err != nil {
		t.Fatal(err)
	}
	for name, stays := range map[string]bool{"pipe": false, "file": true, "folder": true, "link": true, "missing": false} {
		if err := Clear(at(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(at(name)); (err == nil) != stays {
			t.Errorf("%s: %v, want that it stays: %v", name, err, stays)
		}
	}
}

func TestOpenFile(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	socket, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for _, err := range []error{
		os.WriteFile(at("file"), []byte("x"), 0o644), os.Symlink("file", at("link")), os.Mkdir(at("folder"), 0o755),
		syscall.Mkfifo(at("pipe"), 0o644), os.Symlink("pipe", at("link to a pipe")), os.Symlink("gone", at("dangling")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const create = os.O_WRONLY | os.O_CREATE
	for _, c := range []struct {
		name, path string
		flag       int
		want       string // in the error; "" means success
	}{
		{"a file", at("file"), os.O_RDONLY, ""},
		{"a link", at("link"), os.O_RDONLY, ""},
		{"a new file", at("new"), create, ""},
		{"what a dangling link names", at("dangling"), create, ""},
		{"a missing file", at("missing"), os.O_RDONLY, "no such file"},
		{"a folder", at("folder"), os.O_RDONLY, "a folder"},
		{"a pipe to read", at("pipe"), os.O_RDONLY, "a named pipe"},
		{"a pipe to write", at("pipe"), create, "a named pipe"},
		{"a link to a pipe", at("link to a pipe"), os.O_RDONLY, "a named pipe"},
		{"a socket", at("socket"), os.O_RDONLY, "a socket"},
		{"a device", "/dev/null", create, "a device"},
	} {
		f, err := OpenFile(c.path, c.flag, 0o644)
		if err == nil {
			f.Close()
		}
		path := new(fs.PathError)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &path) || path.Path != c.path):
			t.Errorf("%s: error %v, want the path and %q", c.name, err, c.want)
		case strings.Contains(c.want, "a ") && !errors.Is(err, ErrIrregular):
			t.Errorf("%s: %v is not ErrIrregular", c.name, err)
		}
	}
}
