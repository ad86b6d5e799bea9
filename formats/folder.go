package formats

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"depthwise.dev/internal/atomicfile"
)

// writeFolder creates a folder of files, whose names may have folders with '/'. It appears whole or not at all.
func writeFolder(path string, files map[string][]byte) error {
	err := atomicfile.CreateFolder(path, func(dir string) error {
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
	if err != nil {
		return fmt.Errorf("formats: %w", err)
	}
	return nil
}
