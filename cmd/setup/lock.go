package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// tempPrefix is the name prefix of incomplete folders in the cache. Complete ones are renamed, so a
// folder with the prefix that exists while the lock is free was left by a killed process.
const tempPrefix = "tmp-"

// lock creates the cache folder, waits for other setup processes that use it and removes the
// leftovers of killed ones. The lock is an flock: the kernel releases it when the process ends,
// even by SIGKILL.
func (s *setup) lock() (unlock func(), err error) {
	path := filepath.Join(s.cache, "lock")
	for {
		if err := os.MkdirAll(s.cache, 0o755); err != nil {
			return nil, cacheError(s.cache, err)
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, cacheError(s.cache, err)
		}
		err = flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			s.logf("another setup process is using %s; waiting for it", s.cache)
			err = flock(f, syscall.LOCK_EX)
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w; set XDG_CACHE_HOME to a folder on a file system with locks", path, err)
		}
		if sameFile(f, path) {
			s.removeStale()
			return func() { f.Close() }, nil
		}
		f.Close() // --clean removed the file meanwhile: a lock on it excludes no other process
	}
}

// sameFile reports whether path still names the open file.
func sameFile(f *os.File, path string) bool {
	open, err1 := f.Stat()
	named, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(open, named)
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// removeStale removes incomplete folders. It ignores errors: the folders only take space.
func (s *setup) removeStale() {
	entries, err := os.ReadDir(s.cache)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempPrefix) {
			os.RemoveAll(filepath.Join(s.cache, e.Name()))
		}
	}
}

// cacheError wraps an error of writing to the cache folder.
func cacheError(dir string, err error) error {
	return fmt.Errorf("cannot write to the cache folder %s: %w; make it writable, or set XDG_CACHE_HOME to a folder with 2 GB free", dir, err)
}
