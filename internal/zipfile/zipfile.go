// Package zipfile reads members of zip files within limits: what they unpack to is bounded by the file's size.
package zipfile

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrFormat is returned when a file is not a valid zip, or unpacks to more than its size allows.
var ErrFormat = errors.New("not a valid zip file")

// Allowed is the number of bytes to which a file of size bytes may unpack, in any format: 8 times its size and 64 MiB.
// Weights compress to 90 % of their size; zip bombs unpack to 1,000 times theirs and more.
func Allowed(size int64) int64 {
	const factor, atLeast = 8, 64 << 20
	return atLeast + factor*max(0, min(size, 1<<50))
}

// Archive is an open zip file.
type Archive struct {
	// Comment is that of the archive, at most 65,535 bytes.
	Comment string

	file    *os.File
	names   []string
	members map[string]*zip.File
}

// Open reads the directory of a zip file. The caller closes the archive.
func Open(path string) (*Archive, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	a, err := New(file, info.Size())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	a.file = file
	return a, nil
}

// New reads the directory of a zip file of size bytes.
func New(r io.ReaderAt, size int64) (*Archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // no member is written to a path
		return nil, asFormat(err)
	}
	a := &Archive{Comment: z.Comment, members: map[string]*zip.File{}}
	left := uint64(Allowed(size))
	for _, f := range z.File {
		if a.members[f.Name] != nil {
			return nil, fmt.Errorf("%w: two members %q", ErrFormat, f.Name)
		}
		if f.UncompressedSize64 > left {
			return nil, fmt.Errorf("%w: %d bytes that unpack to more than %d", ErrFormat, size, Allowed(size))
		}
		left -= f.UncompressedSize64
		a.members[f.Name] = f
		a.names = append(a.names, f.Name)
	}
	return a, nil
}

// asFormat wraps errors in the content, not those of the storage.
func asFormat(err error) error {
	var system *fs.PathError
	if errors.As(err, &system) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}

// Names lists the members in the order of the directory.
func (a *Archive) Names() []string { return a.names }

// Has reports whether there is a member.
func (a *Archive) Has(name string) bool { return a.members[name] != nil }

// Size is the number of bytes of a member; 0 if there is none.
func (a *Archive) Size(name string) int64 {
	if f := a.members[name]; f != nil {
		return int64(f.UncompressedSize64)
	}
	return 0
}

// Read returns the content of a member. Its CRC is verified.
func (a *Archive) Read(name string) ([]byte, error) {
	f := a.members[name]
	if f == nil {
		return nil, fmt.Errorf("%w: no member %q", ErrFormat, name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("member %q: %w", name, asFormat(err))
	}
	b := make([]byte, f.UncompressedSize64)
	_, err = io.ReadFull(r, b)
	if err == nil {
		_, err = r.Read(make([]byte, 1)) // io.EOF after the verification of the CRC
		if err == nil {
			err = fmt.Errorf("more than the %d bytes of the directory", len(b))
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("member %q: %w", name, asFormat(err))
	}
	return b, nil
}

// Close closes the file.
func (a *Archive) Close() error {
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}
