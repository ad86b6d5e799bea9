package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
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
