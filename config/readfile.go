package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxFile is the maximum size of a configuration file. Those that Depthwise writes have 2 kB; a file
// of megabytes, or a device that never ends, is something else.
const maxFile = 256 << 10

// readFile reads a file of settings, which may be a pipe.
func readFile(path string) ([]byte, error) {
	return readText(path, maxFile, "it is no file of settings, such as the config.yaml of a run")
}

// readText reads a text file of at most limit bytes; kind says that another file is meant.
func readText(path string, limit int, kind string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	defer f.Close() // opened for reading: the error carries no information
	text, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	switch {
	case errors.Is(err, syscall.EISDIR):
		advice := "name a file in it"
		if inside := filepath.Join(path, "config.yaml"); exists(inside) {
			advice = "name the file " + inside
		}
		return nil, fmt.Errorf("config: %s is a folder: %s", path, advice)
	case err != nil:
		return nil, fmt.Errorf("config: %w", err)
	case len(text) > limit:
		return nil, fmt.Errorf("config: %s is larger than %d kB: %s", path, limit>>10, kind)
	case bytes.IndexByte(text, 0) >= 0 && !utf16(text):
		return nil, fmt.Errorf("config: %s holds binary data: %s", path, kind)
	}
	return text, nil
}

// utf16 reports whether a text begins with the byte order mark of UTF-16, in which every other byte
// of English text is zero. YAML allows it.
func utf16(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff"))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
