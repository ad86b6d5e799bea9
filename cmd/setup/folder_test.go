package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFinishedMakesOnce(t *testing.T) {
	s, _ := newFake(t, nil)
	locked(t, s)
	made := 0
	fill := func(dir string) ([]string, []string, error) {
		made++
		writeFile(t, filepath.Join(dir, "lib/a"), "12345")
		return []string{"atg_qr"}, []string{"lib/a"}, nil
	}
	for range 2 {
		if _, err := s.finished("thing", fill); err != nil {
			t.Fatal(err)
		}
	}
	if made != 1 {
		t.Errorf("made %d times, want once", made)
	}
	dir := filepath.Join(s.cache, "thing")
	if m, whole := readManifest(dir); !whole || len(m.Lacks) != 1 || m.Lacks[0] != "atg_qr" {
		t.Errorf("manifest %+v, whole %v", m, whole)
	}
	damage := map[string]func() error{
		"file lost":      func() error { return os.Remove(filepath.Join(dir, "lib/a")) },
		"file shortened": func() error { return os.WriteFile(filepath.Join(dir, "lib/a"), nil, 0o644) },
		"manifest lost":  func() error { return os.Remove(filepath.Join(dir, manifestName)) },
		"manifest torn":  func() error { return os.WriteFile(filepath.Join(dir, manifestName), []byte(`{"fi`), 0o644) },
	}
	for name, hurt := range damage {
		if err := hurt(); err != nil {
			t.Fatal(err)
		}
		before := made
		if _, err := s.finished("thing", fill); err != nil {
			t.Fatal(err)
		}
		if made != before+1 {
			t.Errorf("%s: not made again", name)
		}
	}
}

func TestFinishedFailureLeavesNothing(t *testing.T) {
	s, _ := newFake(t, nil)
	locked(t, s)
	broken := errors.New("broken")
	_, err := s.finished("thing", func(dir string) ([]string, []string, error) {
		writeFile(t, filepath.Join(dir, "a"), "half")
		return nil, nil, broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	wantNoLeftovers(t, s)
}

func TestReplaceFileOnlyWhenChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "go.work")
	for i, step := range []struct {
		content string
		wrote   bool
	}{{"a", true}, {"a", false}, {"b", true}} {
		wrote, err := replaceFile(path, step.content)
		if err != nil || wrote != step.wrote || readFile(t, path) != step.content {
			t.Errorf("step %d: wrote %v, want %v; error %v; content %q", i, wrote, step.wrote, err, readFile(t, path))
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left beside the file: %v, error %v", entries, err)
	}
}

func TestKeyKeepsPartsApart(t *testing.T) {
	if key("a", "bc") == key("ab", "c") || key("a") == key("a", "") {
		t.Error("different parts, same key")
	}
}

func TestLock(t *testing.T) {
	s, _ := newFake(t, nil)
	unlock, err := s.lock()
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(s.cache, tempPrefix+"1", "half"), "made")
	writeFile(t, filepath.Join(s.cache, "gotch-1", "whole"), "made")

	second := make(chan error, 1)
	go func() {
		unlock, err := s.lock() // an flock belongs to the open file, so this one waits like another process
		if err == nil {
			_, err = os.Stat(filepath.Join(s.cache, "by first"))
			unlock()
		}
		second <- err
	}()
	writeFile(t, filepath.Join(s.cache, "by first"), "")
	unlock()
	if err := <-second; err != nil {
		t.Errorf("the second did not wait for the first: %v", err)
	}
	if _, err := os.Stat(filepath.Join(s.cache, tempPrefix+"1")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a killed run left is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(s.cache, "gotch-1", "whole")); err != nil {
		t.Errorf("a finished folder is gone: %v", err)
	}
}

func TestCleanRemovesOnlyOurs(t *testing.T) {
	s, _ := newFake(t, nil)
	for _, name := range []string{"libtorch-2/a", "gotch-1/a", "native-1/a", "objects/a.o", "libjpeg-turbo/a", "tmp-1/a", "mnist/train/0/1.png"} {
		writeFile(t, filepath.Join(s.cache, name), "")
	}
	for _, name := range repoNames {
		writeFile(t, filepath.Join(s.repo, name), "// "+generatedBy)
	}
	if err := s.clean(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(s.cache)
	if err != nil || len(entries) != 1 || entries[0].Name() != "mnist" {
		t.Errorf("cache holds %v, error %v; want mnist alone", entries, err)
	}
	for _, name := range repoNames {
		if _, err := os.Stat(filepath.Join(s.repo, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	if err := s.clean(); err != nil {
		t.Errorf("a second clean: %v", err)
	}
}
