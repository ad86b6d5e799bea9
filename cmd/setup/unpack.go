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
	"slices"
	"strings"
)

// destination returns where to unpack a file of a wheel, if at all: headers go to include/, the
// libraries on the keep list to lib/, or with Whole both to where the wheel has them.
func (p platform) destination(name string) (string, bool) {
	if !fs.ValidPath(name) {
		return "", false
	}
	header, isHeader := strings.CutPrefix(name, "torch/include/")
	match := func(pattern string) bool { ok, err := path.Match(pattern, name); return ok && err == nil }
	switch {
	case !isHeader && !slices.ContainsFunc(p.Keep, match):
		return "", false
	case p.Whole:
		return name, true
	case isHeader:
		return "include/" + header, true
	}
	return "lib/" + path.Base(name), true
}

// entry is one file to unpack.
type entry struct {
	from *zip.File
	to   string
}

// unpack extracts the required files of the wheels to dir.
func (s *setup) unpack(wheels []string, p platform, dir string) error {
	var entries []entry
	var total int64
	for _, name := range wheels {
		archive, err := zip.OpenReader(name)
		if err != nil {
			return fmt.Errorf("unpack %s: %w", name, err)
		}
		defer archive.Close()
		for _, f := range archive.File {
			if to, ok := p.destination(f.Name); ok {
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

// createFile creates an output file. A test replaces it to simulate a full disk.
var createFile = func(name string) (io.WriteCloser, error) { return os.Create(name) }

// write unpacks one file and calls progress with the size of each block. archive/zip verifies the
// CRC at the end.
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

// counter is a writer that passes the number of bytes on and discards them.
type counter func(int)

func (c counter) Write(p []byte) (int, error) {
	c(len(p))
	return len(p), nil
}
