package datatest

import (
	"io/fs"
	"strings"
	"sync"
	"syscall"
	"testing"

	"depthwise.dev/data/internal/sys"
)

// MachineErrors are errors that must never skip an image.
var MachineErrors = append([]syscall.Errno{
	syscall.ESTALE, syscall.ETIMEDOUT, syscall.EIO, syscall.ENOTCONN, syscall.EHOSTDOWN,
	syscall.EAGAIN, syscall.ENODEV, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EBUSY,
}, systemErrors...)

// Faults is a faulty disk: the first calls for each path fail with Err.
type Faults struct {
	Err   error
	Times int // < 0: always

	mu    sync.Mutex
	calls map[string]int
}

// Calls returns the number of calls for a path.
func (f *Faults) Calls(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[path]
}

func (f *Faults) fail(op, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[path]++
	if f.Times < 0 || f.calls[path] <= f.Times {
		return &fs.PathError{Op: op, Path: path, Err: f.Err}
	}
	return nil
}

// InjectFaults installs f for paths that contain part, until the test ends.
func InjectFaults(t testing.TB, part string, f *Faults) {
	disk := RestoreDisk(t)
	f.calls = map[string]int{}
	check := func(op, path string) error {
		if strings.Contains(path, part) {
			return f.fail(op, path)
		}
		return nil
	}
	sys.Disk.ReadFile = func(path string, read func() ([]byte, error)) ([]byte, error) {
		if err := check("read", path); err != nil {
			return nil, err
		}
		return disk.ReadFile(path, read)
	}
	sys.Disk.ReadDir = func(path string) ([]fs.DirEntry, error) {
		if err := check("readdir", path); err != nil {
			return nil, err
		}
		return disk.ReadDir(path)
	}
	sys.Disk.Stat = func(path string) (fs.FileInfo, error) {
		if err := check("stat", path); err != nil {
			return nil, err
		}
		return disk.Stat(path)
	}
}

// RestoreDisk restores the disk when the test ends, and returns it.
func RestoreDisk(t testing.TB) sys.Calls {
	disk := sys.Disk
	t.Cleanup(func() { sys.Disk = disk })
	return disk
}
