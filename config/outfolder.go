package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/labels"
	"depthwise.dev/internal/redact"
)

// runsFolder is where runs without Out are, under the working folder.
const runsFolder = "runs"

// OutFolder returns the folder of the run: Out, or runs/DATA-N under the working folder, where DATA
// is the last name in the path of the data. N is one more than that of the last such run; the folder
// is created, so that runs which start at the same time get different ones. With Resume "auto" it is
// the last run's, so that the same command continues the run that it started. created says that the
// folder is new.
func (c Config) OutFolder() (dir string, created bool, err error) {
	if c.Out != "" {
		return c.Out, false, c.outsideData()
	}
	dir, created, err = c.runFolder()
	if err != nil {
		return "", false, fmt.Errorf("config: the run's folder: %w; --out names another", err)
	}
	return dir, created, nil
}

// ResumedFolder returns the folder of the run that Resume "auto" continues, which may not exist; "" if there is none.
func (c Config) ResumedFolder() string {
	if c.Out != "" {
		return c.Out
	}
	name, err := runName(c.Data)
	if err != nil {
		return ""
	}
	if last, err := lastRun(runsFolder, name); err == nil && last > 0 {
		return runFolder(name, last)
	}
	return ""
}

// outsideData refuses an Out that is a folder of the data set, such as a class: the files of the run
// would be taken for its own.
func (c Config) outsideData() error {
	if !data.IsPart(dataFolder(c.Data), c.Out, data.OwnRun) {
		return nil
	}
	return fmt.Errorf("config: %s is a folder of the data set, and the files of the run would be taken for its own: name a new folder, such as --out %s",
		c.Out, filepath.Join(c.Out, "run"))
}

func (c Config) runFolder() (dir string, created bool, err error) {
	name, err := runName(c.Data)
	if err != nil {
		return "", false, err
	}
	last, err := lastRun(runsFolder, name)
	if err != nil {
		return "", false, err
	}
	if last > 0 && c.Resume == "auto" {
		return runFolder(name, last), false, nil
	}
	if err := os.MkdirAll(runsFolder, 0o755); err != nil {
		return "", false, err
	}
	for n := last + 1; ; n++ {
		dir := runFolder(name, n)
		if err := os.Mkdir(dir, 0o755); !errors.Is(err, fs.ErrExist) {
			return dir, err == nil, err
		}
	}
}

func runFolder(name string, n int) string {
	return filepath.Join(runsFolder, fmt.Sprintf("%s-%d", name, n))
}

// runName returns the last name in the path of a data set.
func runName(data string) (string, error) {
	path, err := filepath.Abs(dataFolder(data))
	if err != nil {
		return "", err
	}
	if labels.IsList(path) {
		path = strings.TrimSuffix(path, filepath.Ext(path))
	}
	if name := filepath.Base(path); name != string(filepath.Separator) {
		return name, nil
	}
	return "data", nil
}

// DataMissing reports whether Data is on this machine's disks and its folder does not exist.
func (c Config) DataMissing() bool {
	if c.Data == MNIST || strings.Contains(c.Data, "://") {
		return false
	}
	_, err := os.Stat(cmp.Or(dataFolder(c.Data), "."))
	return errors.Is(err, fs.ErrNotExist)
}

// dataFolder returns the path of a data set without the pattern of its shards. A folder may have the
// name of a pattern.
func dataFolder(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path
	}
	path = strings.Replace(redact.Address(path), "://"+redact.Mark+"@", "://", 1)
	if strings.Contains(path, "://") {
		path, _, _ = strings.Cut(path, "?")
	}
	first, _, _ := strings.Cut(path, "::")
	if !strings.Contains(first, "{") && !strings.HasSuffix(first, ".tar") {
		return first
	}
	first, _, _ = strings.Cut(first, "{")
	return strings.TrimSuffix(first[:strings.LastIndexByte(first, '/')+1], "/")
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
		if n, err := strconv.ParseInt(digits, 10, 32); ok && err == nil {
			last = max(last, int(n))
		}
	}
	return last, nil
}
