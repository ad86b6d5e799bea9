// Package datatest makes files and faults for the tests of package data and the packages below it.
package datatest

import (
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// Read returns the content of a file.
func Read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Write writes a file.
func Write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// WritePNG writes an image.
func WritePNG(t testing.TB, path string, m image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
}

// MakeFolder makes one folder.
func MakeFolder(t testing.TB, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

// Folder makes a folder of files, by their path.
func Folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// EmptyFiles makes a folder of empty files.
func EmptyFiles(t testing.TB, names ...string) string {
	t.Helper()
	files := map[string]string{}
	for _, n := range names {
		files[n] = ""
	}
	return Folder(t, files)
}

// MakeFolders makes folders and those above them.
func MakeFolders(t testing.TB, dir string, names ...string) {
	t.Helper()
	for _, n := range names {
		if err := os.MkdirAll(filepath.Join(dir, n), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// Copied returns a function that copies a file.
func Copied(from string) func(testing.TB, string) {
	return func(t testing.TB, path string) { Write(t, path, Read(t, from)) }
}

// Holding returns a function that writes a file of these bytes.
func Holding(content string) func(testing.TB, string) {
	return func(t testing.TB, path string) { Write(t, path, []byte(content)) }
}

// Changed returns a function that writes a changed copy of a file.
func Changed(from string, change func(content []byte) []byte) func(testing.TB, string) {
	return func(t testing.TB, path string) { Write(t, path, change(Read(t, from))) }
}

// Half returns the first half of a file.
func Half(content []byte) []byte { return content[:len(content)/2] }
