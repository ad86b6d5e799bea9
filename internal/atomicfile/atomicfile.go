// Package atomicfile replaces files atomically and durably.
//
// The new content goes to a temporary file in the same folder, which is synced and renamed to the
// final name; then the folder is synced. A reader sees the old content or the new content, never a
// part. If a write fails, the old file remains and the temporary file is removed. If the process is
// killed, the temporary file remains; the next write to the same path removes it. Temporary files
// are locked while they are written, so a second writer does not remove them.
//
// A symbolic link is followed: its target is replaced. A device, a FIFO or an open file such as
// /dev/stdout cannot be replaced and is written directly.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
)

// WriteFile replaces the content of path with data. The umask applies to perm.
func WriteFile(path string, perm fs.FileMode, data []byte) error {
	return Write(path, perm, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Write replaces the content of path with what fill writes. An error of fill is returned, wrapped,
// and leaves path as it was. The umask applies to perm.
func Write(path string, perm fs.FileMode, fill func(io.Writer) error) error {
	return WriteTo(OS{}, path, perm, fill)
}

// WriteTo is [Write] on another file system, for tests that inject faults. If only the last step
// fails, the sync of the folder, path has the new content and the error is returned nevertheless.
func WriteTo(fsys FS, path string, perm fs.FileMode, fill func(io.Writer) error) error {
	if done, err := writeThrough(path, fill); done {
		return err
	}
	path, err := follow(path)
	if err != nil {
		return err
	}
	base := filepath.Base(path)
	isStale := func(name string) bool {
		final, ok := FinalName(name)
		return ok && final == base
	}
	if err := RemoveStale(fsys, filepath.Dir(path), isStale); err != nil {
		return err
	}
	temp := TempName(path)
	if err := writeSynced(fsys, temp, perm, fill); err != nil {
		return err
	}
	if err := fsys.Rename(temp, path); err != nil {
		return errors.Join(err, fsys.Remove(temp))
	}
	return fsys.SyncDir(filepath.Dir(path))
}

func writeSynced(fsys FS, temp string, perm fs.FileMode, fill func(io.Writer) error) error {
	f, err := fsys.Create(temp, perm)
	if system, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("create a file in %s: %w", filepath.Dir(temp), system.Err) // no one knows the name of temp
	}
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		return errors.Join(err, fsys.Remove(temp))
	}
	return nil
}

// tempMark separates the final name from a random number in the name of a temporary file.
const tempMark = ".tmp-"

// TempName returns a new name for a temporary file that will be renamed to path.
func TempName(path string) string {
	name := fmt.Sprintf(".%s%s%016x", filepath.Base(path), tempMark, rand.Uint64())
	return filepath.Join(filepath.Dir(path), name)
}

// FinalName returns the name of the file that a temporary file was written for; ok is false if name
// is not the name of a temporary file.
func FinalName(name string) (final string, ok bool) {
	i := strings.LastIndex(name, tempMark)
	if i < 1 || name[0] != '.' {
		return "", false
	}
	return name[1:i], true
}
