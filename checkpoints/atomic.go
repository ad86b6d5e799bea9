package checkpoints

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// filesystem is what writing needs of the operating system; tests put faults in.
type filesystem interface {
	Create(path string) (file, error) // a new file; fails when there is one
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(dir string) error // makes the names in a folder durable
}

type file interface {
	io.Writer
	Sync() error
	Close() error
}

// writeAtomically gives path the content that fill writes. Whatever fails, path has its old content or the new one, whole, and nothing
// is left beside it. A process that is killed leaves a temporary file; the next write to the same path removes it.
func writeAtomically(fsys filesystem, path string, fill func(io.Writer) error) error {
	if err := removeStale(fsys, path); err != nil {
		return err
	}
	temp := tempName(path)
	if err := writeSynced(fsys, temp, fill); err != nil {
		return err
	}
	if err := fsys.Rename(temp, path); err != nil {
		return errors.Join(err, fsys.Remove(temp))
	}
	return fsys.SyncDir(filepath.Dir(path))
}

func writeSynced(fsys filesystem, temp string, fill func(io.Writer) error) error {
	f, err := fsys.Create(temp)
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		return errors.Join(err, fsys.Remove(temp))
	}
	return nil
}

// tempMark stands between the final name and a random number in the name of a temporary file.
const tempMark = ".tmp-"

func tempName(path string) string {
	return filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s%s%016x", filepath.Base(path), tempMark, rand.Uint64()))
}

// removeStale removes the temporary files of path that a killed process left.
func removeStale(fsys filesystem, path string) error {
	base := "." + filepath.Base(path) + tempMark
	return removeStaleIn(fsys, filepath.Dir(path), func(name string) bool { return strings.HasPrefix(name, base) })
}

// removeStaleIn removes those files of dir that nobody holds a lock on and that match picks. Writers lock their files, and the lock
// goes with the process.
func removeStaleIn(fsys filesystem, dir string, match func(name string) bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !match(e.Name()) || inUse(path) {
			continue
		}
		if err := removeOld(fsys, path); err != nil {
			return err
		}
	}
	return nil
}

// removeOld is content when somebody else was quicker.
func removeOld(fsys filesystem, path string) error {
	if err := fsys.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func inUse(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true // gone, or not ours to touch
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}

// disk is the operating system's filesystem.
type disk struct{}

func (disk) Create(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close(), os.Remove(path))
	}
	return f, nil
}

func (disk) Rename(from, to string) error { return os.Rename(from, to) }
func (disk) Remove(path string) error     { return os.Remove(path) }

func (disk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
