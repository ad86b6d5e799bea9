package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// maxLinks is the number of symbolic links that Linux follows in one path.
const maxLinks = 40

// follow returns the name that a path's symbolic links lead to, whether or not a file has it, so
// that a write replaces the file and not the link.
func follow(path string) (string, error) {
	for range maxLinks {
		target, err := os.Readlink(path)
		switch {
		case errors.Is(err, syscall.EINVAL), errors.Is(err, fs.ErrNotExist): // no link, or no file
			return path, nil
		case err != nil:
			return "", err
		case !filepath.IsAbs(target):
			dir, err := filepath.EvalSymlinks(filepath.Dir(path)) // ".." in target leads up from there
			if err != nil {
				return "", err
			}
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return "", &fs.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
}

// descriptor returns the number of an open file that a path names: /dev/stdout, /dev/stderr,
// /dev/fd/N or /proc/self/fd/N.
func descriptor(path string) (fd int, ok bool) {
	switch path = filepath.Clean(path); path {
	case "/dev/stdout":
		return 1, true
	case "/dev/stderr":
		return 2, true
	}
	digits, ok := strings.CutPrefix(path, "/dev/fd/")
	if !ok {
		digits, ok = strings.CutPrefix(path, "/proc/self/fd/")
	}
	fd, err := strconv.Atoi(digits)
	return fd, ok && err == nil && fd >= 0
}

// writeThrough writes to what is not a regular file: a device, a FIFO or an open file. done is false,
// and nothing is written, where path is the name of a regular file or of none.
func writeThrough(path string, fill func(io.Writer) error) (done bool, err error) {
	f, err := openThrough(path)
	if f == nil || err != nil {
		return err != nil, err
	}
	return true, errors.Join(fill(f), f.Close())
}

// openThrough opens what is not a regular file. It returns nil for a regular file and for none.
func openThrough(path string) (*os.File, error) {
	if fd, ok := descriptor(path); ok {
		again, err := syscall.Dup(fd) // an open of its path would begin at the start of the file
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return os.NewFile(uintptr(again), path), nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil || info.Mode().IsRegular():
		return nil, nil
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder: name a file in it", path)
	}
	return os.OpenFile(path, os.O_WRONLY, 0)
}
