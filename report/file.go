package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// keepLine tells, in the order of a file's lines, which of them stay. A line comes with its line end; only a torn last one has none.
type keepLine func(line []byte) bool

// openLines opens a file of lines to append to. When fresh, it starts empty; else only the lines that keep picks stay, and where one has
// to go the file is replaced in one move, so that a process killed meanwhile loses nothing. The caller holds the run's lock.
func openLines(path string, fresh bool, keep keepLine) (*os.File, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if fresh {
		flags |= os.O_TRUNC
	} else if err := rewrite(path, keep); err != nil {
		return nil, fmt.Errorf("report: %s: %w", path, err)
	}
	f, err := os.OpenFile(path, flags, 0o666)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return f, nil
}

func rewrite(path string, keep keepLine) error {
	old, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer old.Close() // nothing is written to it: its error says nothing
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	dropped, err := copyLines(temp, old, keep)
	if err == nil && dropped {
		err = os.Rename(temp, path)
	}
	if err != nil || !dropped {
		return errors.Join(err, os.Remove(temp))
	}
	return nil
}

func copyLines(path string, r io.Reader, keep keepLine) (dropped bool, err error) {
	f, err := os.Create(path)
	if err != nil {
		return false, err
	}
	w := bufio.NewWriter(f)
	dropped, err = filterLines(w, r, keep)
	if err == nil {
		err = w.Flush()
	}
	if err == nil && dropped {
		err = f.Sync()
	}
	return dropped, errors.Join(err, f.Close())
}

// filterLines copies the lines that keep picks, and tells whether one was dropped.
func filterLines(w io.Writer, r io.Reader, keep keepLine) (dropped bool, err error) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return dropped, err
		}
		switch {
		case len(line) > 0 && keep(line):
			if _, err := w.Write(line); err != nil {
				return dropped, err
			}
		case len(line) > 0:
			dropped = true
		}
		if err != nil { // the end
			return dropped, nil
		}
	}
}

// lineFile is what appending needs of a file.
type lineFile interface {
	io.WriteCloser
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
}

// appendLine adds a line, whole or not at all: a part of it, as a full disk leaves, would spoil the next one.
func appendLine(f lineFile, line []byte) error {
	n, err := f.Write(line)
	if err == nil || n == 0 {
		return err
	}
	info, statErr := f.Stat()
	if statErr != nil {
		return errors.Join(err, statErr)
	}
	return errors.Join(err, f.Truncate(info.Size()-int64(n)))
}
