package sys

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Kind is what a name in a folder refers to. The kinds that cannot be images read as a reason.
type Kind string

// The kinds.
const (
	Regular  Kind = "file"
	Folder   Kind = "folder"
	Dangling Kind = "a dangling link"
	Special  Kind = "not a regular file"
)

// KindOf follows links, and calls stat for them only. Its error is one of the machine.
func KindOf(dir string, e fs.DirEntry) (Kind, error) {
	mode := e.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := Stat(filepath.Join(dir, e.Name()))
		if IsSystemError(err) {
			return Special, err
		}
		if err != nil {
			return Dangling, nil
		}
		mode = info.Mode().Type()
	}
	switch {
	case mode.IsDir():
		return Folder, nil
	case mode.IsRegular():
		return Regular, nil
	}
	return Special, nil
}

// IsDir reports whether path is a folder.
func IsDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
