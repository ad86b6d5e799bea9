package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A folder in the cache is made whole under a temporary name, gets a manifest and is then renamed: it exists
// complete or not at all. Its name carries a key over everything that it was made from.

// manifestName is the file that lists what a finished folder holds.
const manifestName = "setup.json"

// manifest is kept in every finished folder of the cache.
type manifest struct {
	Files map[string]int64 `json:"files"`           // path inside the folder -> size: a folder that lost one is made again
	Lacks []string         `json:"lacks,omitempty"` // functions of gotch that this libtorch does not have
}

// key shortens everything that a folder depends on to a piece of its name.
func key(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p) // the length keeps ("a","bc") and ("ab","c") apart
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// readManifest returns the manifest of a finished folder, and whether the folder still holds what it lists.
func readManifest(dir string) (m manifest, whole bool) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil || json.Unmarshal(text, &m) != nil {
		return m, false
	}
	for name, size := range m.Files {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Size() != size {
			return m, false
		}
	}
	return m, len(m.Files) > 0
}

// finished returns the folder with that name in the cache and makes it with fill when it is not there or not whole.
// fill writes into an empty folder and returns the manifest's list of functions and the files to watch.
func (s *setup) finished(name string, fill func(dir string) (lacks, watch []string, err error)) (string, error) {
	dir := filepath.Join(s.cache, name)
	if _, whole := readManifest(dir); whole {
		return dir, nil
	}
	temp, err := os.MkdirTemp(s.cache, tempPrefix)
	if err != nil {
		return "", cacheError(s.cache, err)
	}
	defer os.RemoveAll(temp)
	lacks, watch, err := fill(temp)
	if err != nil {
		return "", explainFull(s.cache, err)
	}
	if err := writeManifest(temp, lacks, watch); err != nil {
		return "", explainFull(s.cache, err)
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return "", err
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", cacheError(s.cache, err)
	}
	if err := os.Rename(temp, dir); err != nil {
		return "", cacheError(s.cache, err)
	}
	return dir, nil
}

func writeManifest(dir string, lacks, watch []string) error {
	m := manifest{Files: map[string]int64{}, Lacks: lacks}
	for _, name := range watch {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("made incompletely: %w", err)
		}
		m.Files[name] = info.Size()
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifestName), append(text, '\n'), 0o644)
}

// explainFull turns "no space left on device" into what to do about it.
func explainFull(dir string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk that holds %s is full: %w; free 2 GB there, or set XDG_CACHE_HOME to a folder on another disk", dir, err)
	}
	return err
}

// replaceFile writes a file whole or not at all, and only when its content changes: Go's build cache and other
// processes see it as it was or as it is. It tells whether it wrote.
func replaceFile(path, content string) (bool, error) {
	old, err := os.ReadFile(path)
	if err == nil && string(old) == content {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return false, err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return false, fmt.Errorf("write %s: %w", path, err)
	}
	return true, os.Rename(f.Name(), path)
}
