package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"depthwise.dev/internal/redact"
)

// OutFolder returns the folder of the run: Out, or runs/DATA-N under the working folder, where DATA
// is the last name in the path of the data. N is one more than that of the last such run. With
// Resume "auto" it is the last run's, so that the same command continues the run that it started.
func (c Config) OutFolder() (string, error) {
	if c.Out != "" {
		return c.Out, nil
	}
	data, err := filepath.Abs(dataName(c.Data))
	if err != nil {
		return "", fmt.Errorf("config: out: %w", err)
	}
	name := filepath.Base(data)
	if name == string(filepath.Separator) {
		name = "data"
	}
	n, err := lastRun("runs", name)
	if err != nil {
		return "", fmt.Errorf("config: out: %w", err)
	}
	if n == 0 || c.Resume != "auto" {
		n++
	}
	return filepath.Join("runs", fmt.Sprintf("%s-%d", name, n)), nil
}

// dataName returns the path of a data set without the pattern of its shards.
func dataName(path string) string {
	path = strings.Replace(redact.Address(path), "://"+redact.Mark+"@", "://", 1)
	if strings.ContainsAny(path, "{:?") || strings.HasSuffix(path, ".tar") {
		first, _, _ := strings.Cut(path, "::")
		first, _, _ = strings.Cut(first, "?")
		first, _, _ = strings.Cut(first, "{")
		return strings.TrimSuffix(first[:strings.LastIndexByte(first, '/')+1], "/")
	}
	return path
}

// lastRun returns the greatest N of dir/NAME-N, 0 if there is none.
func lastRun(dir, name string) (int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return 0, err
	}
	last := 0
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), name+"-")
		if n, err := strconv.Atoi(digits); ok && err == nil {
			last = max(last, n)
		}
	}
	return last, nil
}
