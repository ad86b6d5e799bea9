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
// renamed at the end. A link to an empty folder is followed, and the umask applies. An error of fill is returned, wrapped, and
// nothing remains.
func CreateFolder(path string, fill func(dir string) error) (err error) {
	path = filepath.Clean(path)
	entries, err := os.ReadDir(path)
	if err == nil && len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", path, ErrFolderExists)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
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
	if err := usualMode(temp); err != nil {
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

// usualMode gives a folder of MkdirTemp, whose mode is 0700, what the umask leaves of 0777, which a new folder in it has.
func usualMode(dir string) error {
	sample, err := os.MkdirTemp(dir, "")
	if err != nil {
		return err
	}
	if err := os.Remove(sample); err != nil {
		return err
	}
	if err := os.Mkdir(sample, 0o777); err != nil {
		return err
	}
	info, err := os.Stat(sample)
	if err := errors.Join(err, os.Remove(sample)); err != nil {
		return err
	}
	return os.Chmod(dir, info.Mode().Perm())
}
