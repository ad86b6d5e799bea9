package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// tempPrefix starts the name of every unfinished folder in the cache. A finished one is renamed to its own name,
// so what still carries the prefix while nobody holds the lock was left by a run that was killed.
const tempPrefix = "tmp-"

// lock makes the cache folder, waits until no other setup works in it and removes what killed ones left.
// The lock is an flock: it goes with the process, however that ends.
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
			s.say("another setup is at work in %s; waiting for it", s.cache)
			err = flock(f, syscall.LOCK_EX)
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w; set XDG_CACHE_HOME to a folder on a disk that can lock files", path, err)
		}
		if sameFile(f, path) {
			s.removeStale()
			return func() { f.Close() }, nil
		}
		f.Close() // --clean removed the file while we waited: what we hold keeps nobody out
	}
}

// sameFile tells whether path still names the open file.
func sameFile(f *os.File, path string) bool {
	mine, err1 := f.Stat()
	named, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(mine, named)
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// removeStale removes unfinished folders. What cannot be removed is left: it takes space and does no other harm.
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

// cacheError explains why nothing can be written to the cache folder.
func cacheError(dir string, err error) error {
	return fmt.Errorf("cannot write to the cache folder %s: %w; make it writable, or set XDG_CACHE_HOME to a folder with 2 GB free", dir, err)
}
