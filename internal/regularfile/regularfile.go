// Package regularfile opens files that must be regular ones: to open a named pipe would wait for the
// program at its other end, without a message.
package regularfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ErrIrregular is returned, wrapped in an [fs.PathError], when a path is not a regular file.
var ErrIrregular = errors.New("not a regular file")

// Open opens a regular file for reading. Links are followed.
func Open(path string) (*os.File, error) { return OpenFile(path, os.O_RDONLY, 0) }

// OpenFile is [os.OpenFile] for a regular file. A missing one is created if flag says so.
func OpenFile(path string, flag int, perm fs.FileMode) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("it is %s, %w", kind(info.Mode()), ErrIrregular)}
	}
	return os.OpenFile(path, flag, perm)
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// Clear removes what is at path if a file cannot replace it: a named pipe, a socket or a device, which
// package atomicfile would write to instead.
func Clear(path string) error {
	info, err := os.Lstat(path)
	const replaceable = fs.ModeDir | fs.ModeSymlink
	if err != nil || info.Mode().IsRegular() || info.Mode()&replaceable != 0 {
		return nil // what is wrong with a folder, the write says
	}
	return os.Remove(path)
}
