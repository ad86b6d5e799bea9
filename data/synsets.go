package data

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

// classNamesFile is where LayoutImageNet keeps the classes' human names.
const classNamesFile = "classes.txt"

// nameLists are the files that ImageNet's class names come in, one class a line:
// "n01440764 tench, Tinca tinca".
var nameLists = []string{classNamesFile, "LOC_synset_mapping.txt", "synset_words.txt"}

// ClassNames returns the human names of dir's classes by folder name, from classes.txt,
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

// parseClassNames reads lines of a class and, behind the first white space, its name.
func parseClassNames(data []byte) (map[string]string, error) {
	names := map[string]string{}
	for number, line := range lines(data) {
		class, name, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
		if _, twice := names[class]; twice {
			return nil, fmt.Errorf("line %d: class %q comes twice", number, class)
		}
		names[class] = strings.TrimSpace(name)
	}
	return names, nil
}

// formatClassNames is the opposite of parseClassNames, sorted.
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

// lines yields the numbers, from 1, and the texts of the lines that are not blank.
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

// readSmall reads a list; the largest real one has 19 MB.
func readSmall(path string) ([]byte, error) {
	const limit = 64 << 20
	info, err := os.Stat(path) // before the open, which would wait for a FIFO's writer
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
