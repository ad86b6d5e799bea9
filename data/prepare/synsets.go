package prepare

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// classNamesFile holds the human-readable names of the classes, written by ImageNet.
const classNamesFile = "classes.txt"

// nameLists are the files with ImageNet's class names, one class per line:
// "n01440764 tench, Tinca tinca".
var nameLists = []string{classNamesFile, "LOC_synset_mapping.txt", "synset_words.txt"}

// ClassNames returns the human-readable names of the classes of dir by folder name, from classes.txt,
// LOC_synset_mapping.txt or synset_words.txt in dir or the folder above it (dir may be
// train or val). Without such a file it returns nil and no error.
func ClassNames(dir string) (map[string]string, error) {
	for _, place := range []string{dir, filepath.Dir(filepath.Clean(dir))} {
		for _, name := range nameLists {
			path := filepath.Join(place, name)
			data, err := readSmall(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("data: class names: %w", err)
			}
			names, err := parseClassNames(data)
			if err != nil {
				return nil, fmt.Errorf("data: class names: %s: %w", path, err)
			}
			return names, nil
		}
	}
	return nil, nil
}

// parseClassNames reads lines of a class and, after the first space, its name.
func parseClassNames(data []byte) (map[string]string, error) {
	names := map[string]string{}
	for number, line := range lines(data) {
		class, name, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
		if _, twice := names[class]; twice {
			return nil, fmt.Errorf("line %d: class %q is repeated", number, class)
		}
		names[class] = strings.TrimSpace(name)
	}
	return names, nil
}

// formatClassNames is the inverse of parseClassNames. It sorts.
func formatClassNames(names map[string]string) []byte {
	var classes []string
	for c := range names {
		classes = append(classes, c)
	}
	slices.Sort(classes)
	var out bytes.Buffer
	for _, c := range classes {
		fmt.Fprintln(&out, strings.TrimSpace(c+" "+names[c]))
	}
	return out.Bytes()
}

// lines yields the number, from 1, and the text of each line that is not blank.
func lines(data []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		scanner := bufio.NewScanner(bytes.NewReader(data))
		scanner.Buffer(nil, len(data)+1)
		for number := 1; scanner.Scan(); number++ {
			if line := strings.TrimSpace(scanner.Text()); line != "" && !yield(number, line) {
				return
			}
		}
	}
}

// readSmall reads a list. The largest real one has 19 MB.
func readSmall(path string) ([]byte, error) {
	const limit = 64 << 20
	info, err := os.Stat(path) // before os.Open, which would wait for the writer of a FIFO
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s: not a file of at most %d MB", path, limit>>20)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}
