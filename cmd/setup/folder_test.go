package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestCachedFolderIsBuiltOnce(t *testing.T) {
	s, _ := newFake(t, nil)
	lockCache(t, s)
	builds := 0
	build := func(dir string) ([]string, []string, error) {
		builds++
		writeFile(t, filepath.Join(dir, "lib/a"), "12345")
		return []string{"atg_qr"}, []string{"lib/a"}, nil
	}
	for range 2 {
		if _, err := s.cachedFolder("thing", build); err != nil {
			t.Fatal(err)
		}
	}
	if builds != 1 {
		t.Errorf("%d builds, want 1", builds)
	}
	dir := filepath.Join(s.cache, "thing")
	if m, complete := readManifest(dir); !complete || len(m.Missing) != 1 || m.Missing[0] != "atg_qr" {
		t.Errorf("manifest %+v, complete %v", m, complete)
	}
	damage := map[string]func() error{
		"file missing":       func() error { return os.Remove(filepath.Join(dir, "lib/a")) },
		"file truncated":     func() error { return os.WriteFile(filepath.Join(dir, "lib/a"), nil, 0o644) },
		"manifest missing":   func() error { return os.Remove(filepath.Join(dir, manifestName)) },
		"manifest truncated": func() error { return os.WriteFile(filepath.Join(dir, manifestName), []byte(`{"fi`), 0o644) },
	}
	for name, apply := range damage {
		if err := apply(); err != nil {
			t.Fatal(err)
		}
		before := builds
		if _, err := s.cachedFolder("thing", build); err != nil {
			t.Fatal(err)
		}
		if builds != before+1 {
			t.Errorf("%s: not built again", name)
		}
	}
}

func TestCachedFolderFailureLeavesNothing(t *testing.T) {
	s, _ := newFake(t, nil)
	lockCache(t, s)
	broken := errors.New("broken")
	_, err := s.cachedFolder("thing", func(dir string) ([]string, []string, error) {
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
		t.Errorf("other files in the folder: %v, error %v", entries, err)
	}
}

func TestKeySeparatesParts(t *testing.T) {
	if key("a", "bc") == key("ab", "c") || key("a") == key("a", "") {
		t.Error("different parts have the same key")
	}
}

func TestLock(t *testing.T) {
	s, _ := newFake(t, nil)
	unlock, err := s.lock()
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(s.cache, tempPrefix+"1", "file"), "content")
	writeFile(t, filepath.Join(s.cache, "gotch-1", "file"), "content")

	second := make(chan error, 1)
	go func() {
		unlock, err := s.lock() // an flock belongs to the open file, so this waits like another process
		if err == nil {
			_, err = os.Stat(filepath.Join(s.cache, "first"))
			unlock()
		}
		second <- err
	}()
	writeFile(t, filepath.Join(s.cache, "first"), "")
	unlock()
	if err := <-second; err != nil {
		t.Errorf("the second lock did not wait for the first: %v", err)
	}
	if _, err := os.Stat(filepath.Join(s.cache, tempPrefix+"1")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the leftovers of a killed process remain: %v", err)
	}
	if _, err := os.Stat(filepath.Join(s.cache, "gotch-1", "file")); err != nil {
		t.Errorf("a complete folder was removed: %v", err)
	}
}

func TestCleanRemovesOnlyFilesOfSetup(t *testing.T) {
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
		t.Errorf("cache holds %v, error %v; want only mnist", entries, err)
	}
	for _, name := range repoNames {
		if _, err := os.Stat(filepath.Join(s.repo, name)); err == nil {
			t.Errorf("%s was not removed", name)
		}
	}
	if err := s.clean(); err != nil {
		t.Errorf("a second clean: %v", err)
	}
}
