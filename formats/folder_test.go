package formats

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteFolder(t *testing.T) {
	files := map[string][]byte{"config.json": []byte("{}"), "a/b/w.bin": {1, 2}}
	for _, c := range []struct {
		name    string
		prepare func(path string) error
		want    error
	}{
		{"new", func(string) error { return nil }, nil},
		{"empty folder", func(path string) error { return os.Mkdir(path, 0o755) }, nil},
		{"a file", func(path string) error { return os.WriteFile(path, nil, 0o644) }, ErrFolderExists},
		{"a folder with a file", func(path string) error {
			return errors.Join(os.Mkdir(path, 0o755), os.WriteFile(filepath.Join(path, "mine"), nil, 0o644))
		}, ErrFolderExists},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "out")
			if err := c.prepare(path); err != nil {
				t.Fatal(err)
			}
			if err := writeFolder(path, files); !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Errorf("%v beside it, %v", entries, err)
			}
			if c.want != nil {
				return
			}
			for name, want := range files {
				if got, err := os.ReadFile(filepath.Join(path, name)); err != nil || string(got) != string(want) {
					t.Errorf("%s: %q, %v", name, got, err)
				}
			}
		})
	}
}
