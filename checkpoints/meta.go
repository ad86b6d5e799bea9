package checkpoints

import (
	"errors"
	"fmt"
	"io/fs"

	"depthwise.dev/internal/regularfile"
)

// ReadMeta returns the metadata of a safetensors file from its header. The arrays are not read, and a SHA-256 is not
// compared. Errors are those of [Read].
func ReadMeta(path string) (map[string]string, error) {
	file, err := regularfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	defer file.Close() // opened for reading: the error carries no information
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	head, err := readHead(file, info.Size())
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %s: %w", path, err)
	}
	h, err := parseHeader(head[8:])
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %s: %w: %w", path, ErrFormat, err)
	}
	return h.meta, nil
}

// LatestMeta returns the metadata of the newest file whose header can be read, ErrNone if there is none.
func (s Store) LatestMeta() (map[string]string, error) {
	steps, err := s.steps()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	for _, c := range steps {
		if meta, err := ReadMeta(c.path); err == nil {
			return meta, nil
		}
	}
	return nil, fmt.Errorf("checkpoints: %s: %w", s.Dir, ErrNone)
}
