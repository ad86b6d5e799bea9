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

// A folder of the cache is built under a temporary name, gets a manifest and is then renamed, so it
// is always complete. Its name contains a hash of everything that it was built from.

// manifestName is the file that lists the contents of a complete folder.
const manifestName = "setup.json"

// manifest is stored in every complete folder of the cache.
type manifest struct {
	Files   map[string]int64 `json:"files"`           // path inside the folder -> size; if one differs, the folder is built again
	Missing []string         `json:"lacks,omitempty"` // functions of gotch that this libtorch does not have
}

// key hashes everything that a folder depends on, as a part of its name.
func key(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p) // the length distinguishes ("a","bc") from ("ab","c")
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// readManifest returns the manifest of a folder and whether the folder still contains the listed
// files.
func readManifest(dir string) (m manifest, complete bool) {
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

// cachedFolder returns the folder of the cache with that name. If it is missing or incomplete,
// build creates it: it writes into an empty folder and returns the contents of the manifest,
// functions missing from libtorch and files required in the folder.
func (s *setup) cachedFolder(name string, build func(dir string) (missing, required []string, err error)) (string, error) {
	dir := filepath.Join(s.cache, name)
	if _, complete := readManifest(dir); complete {
		return dir, nil
	}
	temp, err := os.MkdirTemp(s.cache, tempPrefix)
	if err != nil {
		return "", cacheError(s.cache, err)
	}
	defer os.RemoveAll(temp)
	missing, required, err := build(temp)
	if err != nil {
		return "", diskFullError(s.cache, err)
	}
	if err := writeManifest(temp, missing, required); err != nil {
		return "", diskFullError(s.cache, err)
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

func writeManifest(dir string, missing, required []string) error {
	m := manifest{Files: map[string]int64{}, Missing: missing}
	for _, name := range required {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("incomplete build: %w", err)
		}
		m.Files[name] = info.Size()
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifestName), append(text, '\n'), 0o644)
}

// diskFullError adds what to do to a "no space left on device" error and returns other errors
// unchanged.
func diskFullError(dir string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk that holds %s is full: %w; free 2 GB there, or set XDG_CACHE_HOME to a folder on another disk", dir, err)
	}
	return err
}

// replaceFile writes a file atomically and only if its content changes, which keeps Go's build
// cache valid. It reports whether it wrote the file.
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
