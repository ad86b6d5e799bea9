package checkpoints

import (
	"archive/zip"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"depthwise.dev/internal/atomicfile"
)

// WriteNPZ stores arrays as .npz, NumPy's uncompressed zip of .npy files, atomically as Write does.
// Equal arrays give equal bytes: the zip contains no timestamp.
func WriteNPZ(path string, arrays []Array) error { return WriteNPZWithComment(path, arrays, "") }

// MaxNPZComment is the length of the longest comment of a zip, in bytes.
const MaxNPZComment = 1<<16 - 1

// WriteNPZWithComment is [WriteNPZ] with a comment of the zip, which NumPy ignores; see [ReadNPZ].
func WriteNPZWithComment(path string, arrays []Array, comment string) error {
	values, err := npzValues(arrays)
	if err != nil {
		return fmt.Errorf("checkpoints: %s: %w", path, err)
	}
	fill := func(w io.Writer) error {
		archive := zip.NewWriter(w)
		if err := archive.SetComment(comment); err != nil {
			return err
		}
		for i, a := range arrays {
			member, err := archive.CreateHeader(npzMember(a.Name))
			if err != nil {
				return err
			}
			if err := encodeNPY(member, values[i], slices.Clone(a.Data.Shape())); err != nil {
				return err
			}
		}
		return archive.Close()
	}
	if err := atomicfile.Write(path, filePerm, fill); err != nil {
		return fmt.Errorf("checkpoints: write %s: %w", path, err)
	}
	return nil
}

// npzMember sets the date to the earliest one of a zip, 1 January 1980, as numpy.savez does.
// FileHeader.Modified would add a second date in another format.
func npzMember(name string) *zip.FileHeader {
	return &zip.FileHeader{Name: name + ".npy", Method: zip.Store, ModifiedDate: 1<<5 | 1}
}

func npzValues(arrays []Array) ([]any, error) {
	values := make([]any, len(arrays))
	seen := map[string]bool{"": true}
	for i, a := range arrays {
		if seen[a.Name] || !utf8.ValidString(a.Name) {
			return nil, fmt.Errorf("array %q: %w: the name is empty, used twice or not UTF-8", a.Name, ErrArray)
		}
		seen[a.Name] = true
		var err error
		if values[i], err = flatten(a.Data); err != nil {
			return nil, fmt.Errorf("array %q: %w", a.Name, err)
		}
	}
	return values, nil
}
