// Package sorting copies images into a folder for each class, and replaces no file.
package sorting

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"depthwise.dev/data"
	"depthwise.dev/internal/atomicfile"
)

// Folder receives the images. It belongs to one goroutine.
type Folder struct {
	dir     string
	taken   map[string]bool   // names of folders in lower case
	folders map[string]string // names of folders by class
}

// New returns the folder at a path for some classes, which is created with the first image. The names of the folders follow from
// the order of the classes: those that differ in case only, which are one folder on some disks, have different folders.
func New(dir string, classes []string) *Folder {
	f := &Folder{dir: dir, taken: map[string]bool{}, folders: map[string]string{}}
	for _, class := range classes {
		f.folderOf(class)
	}
	return f
}

// Image is an image to copy.
type Image struct {
	Name     string // its path, a member of a shard or an address; the file is called as its last part
	Content  []byte
	Modified time.Time // of the copy; the zero value: now
}

// Copy writes an image into the folder of a class and returns the path of the copy. A file of the same name and content is taken as
// the copy; one of other content stays, and the copy has a number: cat-2.jpg. The file appears whole or not at all.
func (f *Folder) Copy(class string, image Image) (string, error) {
	return copyTo(filepath.Join(f.dir, f.folderOf(class)), image)
}

// CopyUnsorted is Copy into a folder of images without a class. It has another name if a class has that one: uncertain-2.
func (f *Folder) CopyUnsorted(folder string, image Image) (string, error) {
	return copyTo(filepath.Join(f.dir, f.folderOf("\x00"+folder)), image)
}

// copyTo copies an image into a folder.
func copyTo(dir string, image Image) (string, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", fmt.Errorf("sorting: %w", err)
	}
	name := FileName(image.Name, image.Content)
	extension := path.Ext(name)
	stem := strings.TrimSuffix(name, extension)
	for number := 1; ; number++ {
		if number > 1 {
			name = fmt.Sprintf("%s-%d%s", stem, number, extension)
		}
		to := filepath.Join(dir, name)
		err := place(to, image)
		if !errors.Is(err, fs.ErrExist) {
			if err != nil {
				err = fmt.Errorf("sorting: %w", err)
			}
			return to, err
		}
		same, err := holds(to, image.Content)
		if err != nil {
			return "", fmt.Errorf("sorting: %w", err)
		}
		if same {
			return to, nil
		}
	}
}

// folderOf is the name of the folder of a class.
func (f *Folder) folderOf(class string) string {
	if name, ok := f.folders[class]; ok {
		return name
	}
	base := FolderName(strings.TrimPrefix(class, "\x00"))
	name := base
	for number := 2; f.taken[strings.ToLower(name)]; number++ {
		name = fmt.Sprintf("%s-%d", base, number)
	}
	f.taken[strings.ToLower(name)], f.folders[class] = true, name
	return name
}

// FolderName is the name of a class's folder, from which a data set has the class again: see [data.UnescapeName]. What cannot
// be in the name of a folder is written as such an escape: \x2f for "/".
func FolderName(class string) string {
	name := strings.NewReplacer("/", `\x2f`, "\x00", `\x00`).Replace(data.UnescapeName(class))
	if name == "" {
		return "unnamed"
	}
	if strings.HasPrefix(name, ".") { // ".", "..", and hidden folders, which no data set reads
		name = `\x2e` + name[1:]
	}
	return name
}

// FileName is the name of an image's copy: the last part of its path or address, with the extension of its format if it has none
// of an image. An image without a name, as on standard input, is called "image".
func FileName(name string, content []byte) string {
	if strings.Contains(name, "://") {
		name, _, _ = strings.Cut(name, "?")
	}
	name = strings.ReplaceAll(path.Base(filepath.ToSlash(name)), "\x00", "")
	name = strings.TrimLeft(name, ".")
	if name == "" || name == "-" || name == "/" {
		name = "image"
	}
	if !data.HasImageExtension(name) {
		format, err := data.DetectFormat(content)
		if err == nil {
			name += format.Extension()
		}
	}
	return name
}

// place writes a file that must not exist: a temporary file, then a link under its name, which fails where there is one.
func place(to string, image Image) error {
	if _, err := os.Lstat(to); err == nil {
		return &fs.PathError{Op: "create", Path: to, Err: fs.ErrExist}
	}
	temp := atomicfile.TempName(to)
	if err := os.WriteFile(temp, image.Content, 0o666); err != nil {
		os.Remove(temp) // the error of the write is returned
		return err
	}
	defer os.Remove(temp)
	if !image.Modified.IsZero() {
		if err := os.Chtimes(temp, time.Time{}, image.Modified); err != nil {
			return err
		}
	}
	err := os.Link(temp, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Rename(temp, to) // a disk without links, such as FAT
}

// holds reports whether a file has a content.
func holds(file string, content []byte) (bool, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) { // a dangling link
		return false, nil
	}
	if err != nil || !info.Mode().IsRegular() || info.Size() != int64(len(content)) {
		return false, err
	}
	other, err := os.ReadFile(file)
	return bytes.Equal(other, content), err
}
