package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// cacheNames are the name prefixes of what setup creates in the cache folder. Downloaded data sets
// share the folder.
var cacheNames = []string{"libtorch-", cudaHeadersFolder, downloadPrefix, "gotch-", "native-", "objects", jpegFolder, tempPrefix}

// repoNames are the files that setup writes into the repository.
var repoNames = []string{"go.work", "go.work.sum", "autograd/native/setup.h", "autograd/native/zz_setup.go", "data/jpeg/zz_setup.go"}

// clean removes everything that setup created in the cache and in this repository.
func (s *setup) clean() error {
	if _, err := os.Stat(s.cache); err == nil {
		if err := s.cleanCache(); err != nil {
			return err
		}
	}
	if err := checkWorkFile(filepath.Join(s.repo, "go.work")); err != nil {
		return err
	}
	var errs []error
	for _, name := range repoNames {
		if err := os.Remove(filepath.Join(s.repo, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clean: %w", err)
	}
	s.logf("clean: removed all files of setup from %s and %s", s.cache, s.repo)
	return nil
}

// cleanCache removes what setup created in the cache folder, and the folder itself if it is empty
// then.
func (s *setup) cleanCache() error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	entries, err := os.ReadDir(s.cache)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		for _, prefix := range cacheNames {
			if strings.HasPrefix(e.Name(), prefix) {
				errs = append(errs, os.RemoveAll(filepath.Join(s.cache, e.Name())))
				break
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clean: %w", err)
	}
	errs = append(errs, os.Remove(filepath.Join(s.cache, "lock")))
	os.Remove(s.cache) // fails while data sets are in it
	return errors.Join(errs...)
}
