package formats

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"depthwise.dev/internal/atomicfile"
)

// writeFile writes a file whole or not at all.
func writeFile(path string, fill func(io.Writer) error) error {
	if err := atomicfile.Write(path, 0o666, fill); err != nil {
		return fmt.Errorf("formats: write %s: %w", path, err)
	}
	return nil
}

// writeFolder creates a folder of files, whose names may have folders with '/'. It appears whole or not at all.
func writeFolder(path string, files map[string][]byte) error {
	return createFolder(path, func(dir string) error {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			file := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
				return err
			}
			if err := atomicfile.WriteFile(file, 0o666, files[name]); err != nil {
				return err
			}
		}
		return nil
	})
}

// createFolder creates a folder with what fill writes into it, whole or not at all.
func createFolder(path string, fill func(dir string) error) error {
	if err := atomicfile.CreateFolder(path, fill); err != nil {
		return fmt.Errorf("formats: %w", err)
	}
	return nil
}
