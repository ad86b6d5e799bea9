package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// wanted tells where a file of a wheel goes: headers to include/, the libraries on the keep list to lib/.
func wanted(name string, keep []string) (string, bool) {
	if !fs.ValidPath(name) {
		return "", false
	}
	if rest, ok := strings.CutPrefix(name, "torch/include/"); ok {
		return "include/" + rest, true
	}
	for _, pattern := range keep {
		if ok, err := path.Match(pattern, name); ok && err == nil {
			return "lib/" + path.Base(name), true
		}
	}
	return "", false
}

// entry is one file to unpack.
type entry struct {
	from *zip.File
	to   string
}

// unpack writes what is wanted of the wheels into dir, each file straight from the archive to its place.
func (s *setup) unpack(wheels, keep []string, dir string) error {
	var entries []entry
	var total int64
	for _, name := range wheels {
		archive, err := zip.OpenReader(name)
		if err != nil {
			return fmt.Errorf("unpack %s: %w", name, err)
		}
		defer archive.Close()
		for _, f := range archive.File {
			if to, ok := wanted(f.Name, keep); ok {
				entries = append(entries, entry{f, filepath.Join(dir, to)})
				total += int64(f.UncompressedSize64)
			}
		}
	}
	bar := s.bar("unpacking", total)
	var done int64
	for _, e := range entries {
		if err := e.write(func(n int) { done += int64(n); bar.set(done) }); err != nil {
			bar.finish(false)
			return fmt.Errorf("unpack %s: %w", e.from.Name, err)
		}
	}
	bar.finish(true)
	return nil
}

// createFile makes a file to unpack into; a variable so that a test can fill the disk.
var createFile = func(name string) (io.WriteCloser, error) { return os.Create(name) }

// write unpacks one file and tells progress about every piece. archive/zip checks the CRC at the end.
func (e entry) write(progress func(int)) error {
	if err := os.MkdirAll(filepath.Dir(e.to), 0o755); err != nil {
		return err
	}
	in, err := e.from.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := createFile(e.to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.TeeReader(in, counter(progress)))
	return errors.Join(err, out.Close())
}

// counter is a writer that only counts.
type counter func(int)

func (c counter) Write(p []byte) (int, error) {
	c(len(p))
	return len(p), nil
}
