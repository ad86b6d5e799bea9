package main

import (
	"errors"
	"fmt"
	"io/fs"
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
		f, err := openLock(path)
		if readOnly(err) {
			// What is complete can be used: only setup writes to it. cachedFolder reports what is missing.
			return func() {}, nil
		}
		if errors.Is(err, syscall.EISDIR) {
			return nil, fmt.Errorf("%s is a folder in the place of setup's lock file; remove it", path)
		}
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

// openLock opens the file of the lock; a folder that is read-only may have one. A test replaces it.
var openLock = func(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if readOnly(err) {
		if f, err := os.Open(path); err == nil {
			return f, nil
		}
	}
	return f, err
}

// readOnly reports whether an error says that the user may not write.
func readOnly(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// writeAccess returns why the user cannot write to a folder, or to the nearest one above it if it does not
// exist. A test replaces it.
var writeAccess = func(dir string) error {
	const writable = 2 // W_OK of access(2)
	for {
		err := syscall.Access(dir, writable)
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return err
		}
		dir = filepath.Dir(dir)
	}
}

// checkIsFolder returns an error if something else than a folder is in the place of one. A folder that
// does not exist is in order.
func checkIsFolder(path string) error {
	for ; path != filepath.Dir(path); path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() {
			return fmt.Errorf("%s is a file in the place of a folder of the cache; move it away, or set XDG_CACHE_HOME to a folder with 2 GB free", path)
		}
		if err == nil {
			return nil
		}
		if target, err := os.Readlink(path); err == nil {
			return fmt.Errorf("%s is a link to %s, which does not exist; create that folder, or remove the link", path, target)
		}
	}
	return nil
}

// cacheError wraps an error of writing to the cache folder.
func cacheError(dir string, err error) error {
	if full := diskFullError(dir, err); full != err {
		return full
	}
	if wrong := checkIsFolder(dir); wrong != nil {
		return wrong
	}
	return fmt.Errorf("cannot write to the cache folder %s: %w; make it writable, or set XDG_CACHE_HOME to a folder with 2 GB free", dir, err)
}
