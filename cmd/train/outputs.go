package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// writable is W_OK of access(2), which package syscall lacks.
const writable = 2

// checkInput explains that standard input has a name.
func checkInput(flag, path string) error {
	if path == "-" {
		return usagef("--%s -: for standard input use --%s /dev/stdin", flag, flag)
	}
	return nil
}

// checkOutput refuses the file of a flag before the work that it is for: a folder, a file in a
// missing folder, or an extension other than those given. Without extensions, any is accepted. A
// device or FIFO may have any name.
func checkOutput(flag, path string, extensions ...string) error {
	if path == "-" {
		return usagef("--%s -: for standard output use --%s /dev/stdout", flag, flag)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return usagef("--%s %s: is a folder: name a file in it", flag, shellWord(path))
	case err == nil && !info.Mode().IsRegular():
		return nil
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil {
		return usagef("--%s %s: the folder %s does not exist: create it first", flag, shellWord(path), shellWord(dir))
	} else if !info.IsDir() {
		return usagef("--%s %s: %s is not a folder", flag, shellWord(path), shellWord(dir))
	}
	if err := syscall.Access(dir, writable); err != nil {
		return usagef("--%s %s: cannot write to the folder %s: %w", flag, shellWord(path), shellWord(dir), err)
	}
	extension := strings.ToLower(filepath.Ext(path))
	if extension == "" || len(extensions) == 0 || slices.Contains(extensions, extension) {
		return nil
	}
	return usagef("--%s %s: the extension %s contradicts the format: use %s", flag, shellWord(path), extension, strings.Join(extensions, " or "))
}

// checkOutputFolder refuses the folder of a flag before the work that it is for: a file, a folder that is not empty, or one in
// a missing folder.
func checkOutputFolder(flag, path string) error {
	entries, err := os.ReadDir(path)
	switch {
	case err == nil && len(entries) > 0:
		return usagef("--%s %s: the folder is not empty: remove it or name another one", flag, shellWord(path))
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return usagef("--%s %s: name a folder that does not exist yet: %w", flag, shellWord(path), err)
	}
	return checkOutput(flag, filepath.Clean(path))
}
