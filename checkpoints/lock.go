package checkpoints

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"depthwise.dev/internal/regularfile"
)

// LockName is the name of the lock file. It is never removed: otherwise a third process could lock a new file
// while the second holds the old one.
const LockName = ".lock"

// Lock locks a run's folder, which must exist, against other runs until release is called or the
// process ends. It returns ErrLocked, with the process that holds the lock, if the folder is
// locked.
func Lock(dir string) (release func(), err error) {
	path := filepath.Join(dir, LockName)
	f, err := regularfile.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("checkpoints: lock: %w", err)
	}
	err = flock(f)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = fmt.Errorf("checkpoints: %s: %w (process %s): wait for it or stop it, or choose another folder", dir, ErrLocked, holder(f))
	case err != nil:
		err = fmt.Errorf("checkpoints: lock %s: %w", path, err)
	default:
		err = sign(f)
	}
	if err != nil {
		f.Close() // which releases the lock; the first error is returned
		return nil, err
	}
	return func() { f.Close() }, nil
}

// flock locks a file exclusively. [Locked] holds the lock for a moment, which is waited for.
func flock(f *os.File) error {
	const tries, pause = 5, 5 * time.Millisecond
	var err error
	for range tries {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		time.Sleep(pause)
	}
	return err
}

// Locked reports whether a process holds the lock of a folder. It changes nothing.
func Locked(dir string) (bool, error) {
	f, err := regularfile.Open(filepath.Join(dir, LockName))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("checkpoints: lock: %w", err)
	}
	defer f.Close() // which releases it
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("checkpoints: lock %s: %w", f.Name(), err)
	}
	return false, nil
}

// sign writes the process ID, for the error message of other processes.
func sign(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("checkpoints: lock: %w", err)
	}
	if _, err := f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0); err != nil {
		return fmt.Errorf("checkpoints: lock: %w", err)
	}
	return nil
}

func holder(f *os.File) string {
	text := make([]byte, 20)
	n, _ := f.ReadAt(text, 0) // the file is short while its owner writes to it: the process is unknown then
	if pid := strings.TrimSpace(string(text[:n])); pid != "" {
		return pid
	}
	return "unknown"
}
