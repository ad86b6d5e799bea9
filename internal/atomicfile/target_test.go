package atomicfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestLinks: a write through a link replaces the link's target and keeps the link.
func TestLinks(t *testing.T) {
	for _, c := range []struct {
		name   string
		links  map[string]string // link to target
		path   string
		target string
	}{
		{"to a file beside it", map[string]string{"link": "real"}, "link", "real"},
		{"to another folder", map[string]string{"link": "sub/real"}, "link", "sub/real"},
		{"from another folder", map[string]string{"sub/link": "../real"}, "sub/link", "real"},
		{"in a linked folder", map[string]string{"folder": "sub", "sub/link": "../real"}, "folder/link", "real"},
		{"to a link", map[string]string{"a": "b", "b": "real"}, "a", "real"},
		{"to nothing yet", map[string]string{"link": "missing"}, "link", "missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
				t.Fatal(err)
			}
			for _, real := range []string{"real", "sub/real"} {
				if err := os.WriteFile(filepath.Join(dir, real), []byte("old"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for link, to := range c.links {
				if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			if err := WriteFile(filepath.Join(dir, c.path), 0o644, []byte("new")); err != nil {
				t.Fatal(err)
			}
			for link, to := range c.links {
				if got, err := os.Readlink(filepath.Join(dir, link)); err != nil || got != to {
					t.Errorf("%s leads to %q, %v; want %q", link, got, err, to)
				}
			}
			if got := content(t, filepath.Join(dir, c.target)); got != "new" {
				t.Errorf("the target holds %q", got)
			}
		})
	}
	dir := t.TempDir()
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "loop"), 0o644, nil); err == nil || !strings.Contains(err.Error(), "too many levels") {
		t.Errorf("a loop: %v", err)
	}
}

func TestFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		got <- string(text)
	}()
	if err := WriteFile(path, 0o644, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if text := <-got; text != "new" {
		t.Errorf("the reader got %q", text)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("it is now %v, %v", info, err)
	}
	if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"fifo"}) {
		t.Errorf("the folder holds %q", got)
	}
}

func TestDevices(t *testing.T) {
	link := filepath.Join(t.TempDir(), "null")
	if err := os.Symlink("/dev/null", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/dev/null", link} {
		if err := WriteFile(path, 0o644, []byte("new")); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode()&os.ModeCharDevice == 0 {
			t.Errorf("%s is now %v, %v", path, info, err)
		}
	}
	if err := WriteFile("/dev/full", 0o644, []byte("new")); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("a full device: %v", err)
	}
	if err := WriteFile(t.TempDir(), 0o644, nil); err == nil || !strings.Contains(err.Error(), "is a folder: name a file in it") {
		t.Errorf("a folder: %v", err)
	}
}

// TestDescriptor: an open file is written where it is, not from its start.
func TestDescriptor(t *testing.T) {
	for _, c := range []struct {
		path string
		fd   int
		ok   bool
	}{
		{"/dev/stdout", 1, true},
		{"/dev//stderr", 2, true},
		{"/dev/fd/63", 63, true},
		{"/proc/self/fd/7", 7, true},
		{"/dev/fd/", 0, false},
		{"/dev/fd/-1", 0, false},
		{"/dev/null", 0, false},
		{"3", 0, false},
	} {
		if fd, ok := descriptor(c.path); ok != c.ok || ok && fd != c.fd {
			t.Errorf("%s: %d, %t", c.path, fd, ok)
		}
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.WriteString(f, "first "); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(fmt.Sprint("/dev/fd/", f.Fd()), 0o644, []byte("second")); err != nil {
		t.Fatal(err)
	}
	if got := content(t, f.Name()); got != "first second" {
		t.Errorf("the file holds %q", got)
	}
	if err := WriteFile("/dev/fd/9999", 0o644, nil); err == nil || !strings.Contains(err.Error(), "/dev/fd/9999") {
		t.Errorf("a descriptor that is not open: %v", err)
	}
}
