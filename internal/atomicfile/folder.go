package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrFolderExists is returned by [CreateFolder] for a path that exists and is not an empty folder.
var ErrFolderExists = errors.New("exists and is not an empty folder; remove it or choose another name")

// CreateFolder creates a folder with what fill writes into it, whole or not at all: fill gets a folder beside it that is
// renamed at the end. An error of fill is returned, wrapped, and nothing remains.
func CreateFolder(path string, fill func(dir string) error) (err error) {
	path = filepath.Clean(path)
	entries, err := os.ReadDir(path)
	if err == nil && len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", path, ErrFolderExists)
	}
	temp, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".tmp-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	if err := fill(temp); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	if err := os.Chmod(temp, 0o755); err != nil { // MkdirTemp's is 0700
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // os.Rename replaces no folder, even an empty one
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return OS{}.SyncDir(filepath.Dir(path))
}
