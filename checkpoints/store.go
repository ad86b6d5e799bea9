package checkpoints

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/regularfile"
)

// Store is a folder of checkpoints, step-00001234.safetensors and so on. Lock ensures that it has
// one writer; readers may open it at any time. The newest file is found by reading, so there is no
// pointer to it that could be wrong.
type Store struct {
	Dir  string
	Keep int // number of newest checkpoints that Save keeps; 0 means all
}

// Save writes the checkpoint of a step, creates the folder if necessary, and then removes the
// oldest checkpoints beyond Keep, except those of spare steps. Files of later steps are neither
// removed nor counted: they were damaged when the run was resumed from an earlier one, and will be
// overwritten. Therefore the newest valid file is never removed. An error with a path means that
// the checkpoint was saved but an old one could not be removed.
func (s Store) Save(step int64, f File, spare ...int64) (path string, err error) {
	return s.save(atomicfile.OS{}, step, f, spare...)
}

// Path returns the path of the file of a step, which may not exist.
func (s Store) Path(step int64) string { return filepath.Join(s.Dir, stepName(step)) }

func (s Store) save(fsys atomicfile.FS, step int64, f File, spare ...int64) (string, error) {
	if step < 0 {
		return "", fmt.Errorf("checkpoints: save in %s: step %d is negative", s.Dir, step)
	}
	if err := s.prepare(fsys); err != nil {
		return "", fmt.Errorf("checkpoints: save in %s: %w", s.Dir, err)
	}
	path := s.Path(step)
	if err := regularfile.Clear(path); err != nil {
		return "", fmt.Errorf("checkpoints: %w", err)
	}
	if err := write(fsys, path, f); err != nil {
		return "", err
	}
	if err := s.retain(fsys, step, spare); err != nil {
		return path, fmt.Errorf("checkpoints: remove old checkpoints: %w", err)
	}
	return path, nil
}

// prepare creates the folder durably, and removes the temporary files of killed processes.
func (s Store) prepare(fsys atomicfile.FS) error {
	if _, err := os.Stat(s.Dir); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(s.Dir, 0o777); err != nil {
			return err
		}
		return fsys.SyncDir(filepath.Dir(filepath.Clean(s.Dir)))
	}
	return atomicfile.RemoveStale(fsys, s.Dir, isStepTemp)
}

func (s Store) retain(fsys atomicfile.FS, newest int64, spare []int64) error {
	if s.Keep <= 0 {
		return nil
	}
	steps, err := s.steps()
	if err != nil {
		return err
	}
	steps = slices.DeleteFunc(steps, func(c checkpoint) bool { return c.step > newest })
	for _, old := range steps[min(s.Keep, len(steps)):] {
		if slices.Contains(spare, old.step) {
			continue
		}
		if err := fsys.Remove(old.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Latest reads the newest valid checkpoint that records its SHA-256. Newer ones that were skipped
// are named in passed, with the reason. It returns ErrNone if there is none.
func (s Store) Latest() (path string, f File, passed []error, err error) {
	steps, err := s.steps()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", File{}, nil, fmt.Errorf("checkpoints: %w", err)
	}
	for _, c := range steps {
		f, verified, err := read(c.path)
		if err == nil && !verified {
			err = fmt.Errorf("checkpoints: %s: %w", c.path, ErrNoDigest)
		}
		if err == nil {
			return c.path, f, passed, nil
		}
		passed = append(passed, err)
	}
	return "", File{}, passed, fmt.Errorf("checkpoints: %s: %w", s.Dir, ErrNone)
}

// checkpoint is a file of the store, identified by its name.
type checkpoint struct {
	step int64
	path string
}

// steps lists the files of the store, newest first.
func (s Store) steps() ([]checkpoint, error) {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return nil, err
	}
	var list []checkpoint
	for _, e := range entries {
		if step, ok := stepOf(e.Name()); ok {
			list = append(list, checkpoint{step: step, path: filepath.Join(s.Dir, e.Name())})
		}
	}
	slices.SortFunc(list, func(a, b checkpoint) int { return cmp.Compare(b.step, a.step) })
	return list, nil
}

const (
	stepPrefix = "step-"
	stepSuffix = ".safetensors"
)

func stepName(step int64) string { return fmt.Sprintf("%s%08d%s", stepPrefix, step, stepSuffix) }

// stepOf is the inverse of stepName; ok is false for other names.
func stepOf(name string) (step int64, ok bool) {
	digits, hasSuffix := strings.CutSuffix(strings.TrimPrefix(name, stepPrefix), stepSuffix)
	step, err := strconv.ParseInt(digits, 10, 64)
	return step, hasSuffix && err == nil && step >= 0 && stepName(step) == name
}

func isStepTemp(name string) bool {
	final, isTemp := atomicfile.FinalName(name)
	_, isStep := stepOf(final)
	return isTemp && isStep
}
