package formats

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"depthwise.dev/internal/atomicfile"
)

func TestWriteFolder(t *testing.T) {
	files := map[string][]byte{"config.json": []byte("{}"), "a/b/w.bin": {1, 2}}
	path := filepath.Join(t.TempDir(), "out")
	if err := writeFolder(path, files); err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(path, name)); err != nil || string(got) != string(want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if err := writeFolder(path, files); !errors.Is(err, atomicfile.ErrFolderExists) {
		t.Errorf("again: %v", err)
	}
}
