package checkpoints

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"depthwise.dev/internal/zipfile"
)

// ReadNPZ returns the arrays of a .npz file, stored or compressed, in the order of the zip's directory, and the comment
// of the zip; element types and layouts as [ReadNPY]. What the file unpacks to is bounded by its size. It returns ErrNPY or zipfile.ErrFormat with
// the reason for other files.
func ReadNPZ(path string) (arrays []Array, comment string, err error) {
	archive, err := zipfile.Open(path)
	if err != nil {
		return nil, "", fmt.Errorf("checkpoints: %w", err)
	}
	arrays, err = readNPZ(archive)
	if err := errors.Join(err, archive.Close()); err != nil {
		return nil, "", fmt.Errorf("checkpoints: %s: %w", path, err)
	}
	return arrays, archive.Comment, nil
}

func readNPZ(archive *zipfile.Archive) ([]Array, error) {
	var arrays []Array
	for _, member := range archive.Names() {
		name, isArray := strings.CutSuffix(member, ".npy")
		if !isArray {
			return nil, fmt.Errorf("%w: the member %q is not a .npy file", ErrNPY, member)
		}
		b, err := archive.Read(member)
		if err != nil {
			return nil, err
		}
		data, err := decodeNPY(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return nil, fmt.Errorf("array %q: %w", name, err)
		}
		arrays = append(arrays, Array{Name: name, Data: data})
	}
	return arrays, nil
}
