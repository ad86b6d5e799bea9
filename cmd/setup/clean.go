package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// cacheNames are the starts of the names of what setup makes in the cache folder, which it shares with unpacked data sets.
var cacheNames = []string{"libtorch-", "gotch-", "native-", "objects", jpegFolder, tempPrefix}

// repoNames are the files that setup writes into the repository.
var repoNames = []string{"go.work", "go.work.sum", "autograd/native/setup.h", "autograd/native/zz_setup.go", "data/jpeg/zz_setup.go"}

// clean removes what setup made, in the cache and in this repository.
func (s *setup) clean() error {
	if _, err := os.Stat(s.cache); err == nil {
		if err := s.cleanCache(); err != nil {
			return err
		}
	}
	if err := foreignWork(filepath.Join(s.repo, "go.work")); err != nil {
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
	s.say("clean: nothing of setup is left in %s and %s", s.cache, s.repo)
	return nil
}

// cleanCache removes what setup made in the cache folder, and the folder when nothing else is in it.
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
		for _, start := range cacheNames {
			if strings.HasPrefix(e.Name(), start) {
				errs = append(errs, os.RemoveAll(filepath.Join(s.cache, e.Name())))
				break
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clean: %w", err)
	}
	errs = append(errs, os.Remove(filepath.Join(s.cache, "lock")))
	os.Remove(s.cache) // refused while data sets are in it
	return errors.Join(errs...)
}
