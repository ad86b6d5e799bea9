package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// depth is how deep below a folder runs are looked for: runs/NAME, and one level for groups of runs.
const depth = 2

// List reads the runs at or below a folder, the last changed first. A run that cannot be read is in the list of errors; the
// error is about the folder itself.
func List(dir string) (list []Run, broken []error, err error) {
	if _, err := os.ReadDir(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("runs: there is no folder %s here; name the folder of the runs: %w", dir, err)
	} else if err != nil {
		return nil, nil, fmt.Errorf("runs: %w", err)
	}
	visit(dir, depth, func(r Run, err error) {
		if err != nil {
			broken = append(broken, err)
		} else {
			list = append(list, r)
		}
	})
	slices.SortStableFunc(list, func(a, b Run) int { return b.Changed.Compare(a.Changed) })
	return list, broken, nil
}

// visit opens the runs at or below dir. There is no run in a run.
func visit(dir string, deeper int, found func(Run, error)) {
	r, err := Open(dir)
	if !errors.Is(err, ErrNoRun) {
		found(r, err)
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		found(Run{}, fmt.Errorf("runs: %w", err))
	}
	for _, e := range entries {
		if e.IsDir() && deeper > 0 {
			visit(filepath.Join(dir, e.Name()), deeper-1, found)
		}
	}
}
