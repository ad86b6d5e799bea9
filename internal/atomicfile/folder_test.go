package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestCreateFolder(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name    string
		prepare func(path string) error
		fill    error
		want    error
	}{
		{"new", func(string) error { return nil }, nil, nil},
		{"empty folder", func(path string) error { return os.Mkdir(path, 0o755) }, nil, nil},
		{"a file", func(path string) error { return os.WriteFile(path, []byte("mine"), 0o644) }, nil, ErrFolderExists},
		{"a folder with a file", func(path string) error {
			return errors.Join(os.Mkdir(path, 0o755), os.WriteFile(filepath.Join(path, "mine"), nil, 0o644))
		}, nil, ErrFolderExists},
		{"an error while it is filled", func(string) error { return nil }, broken, broken},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			path := filepath.Join(parent, "out")
			if err := c.prepare(path); err != nil {
				t.Fatal(err)
			}
			err := CreateFolder(path+"/", func(dir string) error {
				return errors.Join(os.WriteFile(filepath.Join(dir, "a"), []byte("1"), 0o644), c.fill)
			})
			if !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			_, err = os.Stat(filepath.Join(path, "a"))
			if (err == nil) != (c.want == nil) {
				t.Errorf("the file in it: %v", err)
			}
			if entries, err := os.ReadDir(parent); err != nil || len(entries) > 1 {
				t.Errorf("%v remain, %v", entries, err)
			}
		})
	}
}

// TestCreateFolderMode: the umask applies, and a link stays one.
func TestCreateFolderMode(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o027))
	target, link := filepath.Join(t.TempDir(), "target"), filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Mkdir(target, 0o755), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	if err := CreateFolder(link, func(string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(link); err != nil || to != target {
		t.Errorf("the link: %q, %v", to, err)
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
