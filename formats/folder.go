package formats

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"depthwise.dev/internal/atomicfile"
)

// ErrFolderExists is returned when the output of a format that creates a folder exists and is not an empty folder.
var ErrFolderExists = errors.New("exists and is not an empty folder; remove it or choose another name")

// writeFolder creates a folder of files, whose names may have folders with '/'. The files are written to a folder beside it
// that is renamed at the end, so that the folder appears whole or not at all.
func writeFolder(path string, files map[string][]byte) (err error) {
	path = filepath.Clean(path)
	if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("formats: %s: %w", path, ErrFolderExists)
	}
	temp, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".tmp-")
	if err != nil {
		return fmt.Errorf("formats: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := filepath.Join(temp, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return fmt.Errorf("formats: %w", err)
		}
		if err := atomicfile.WriteFile(file, 0o666, files[name]); err != nil {
			return fmt.Errorf("formats: %w", err)
		}
	}
	if err := os.Chmod(temp, 0o755); err != nil { // MkdirTemp's is 0700
		return fmt.Errorf("formats: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // os.Rename replaces no folder, even an empty one
		return fmt.Errorf("formats: %w", err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("formats: %w", err)
	}
	return nil
}
