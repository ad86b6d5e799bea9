package train

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"depthwise.dev/checkpoints"
	"depthwise.dev/internal/atomicfile"
)

// What lies in a run's folder.
const (
	configFile       = "config.yaml"
	eventsFile       = "events.jsonl"
	metricsFile      = "metrics.csv"
	bestFile         = "best.safetensors"
	checkpointFolder = "checkpoints"
)

// ErrRunExists is returned when a run's folder holds a run already and nothing was said about resuming it.
var ErrRunExists = errors.New("the folder holds a run already")

// runFolder is a run's folder, locked against other processes.
type runFolder struct {
	dir    string
	store  checkpoints.Store
	unlock func()
	resume *checkpoints.File // where the run goes on; nil for a new one
	from   string            // the file that resume was read from
	passed []error           // damaged checkpoints that were passed over
}

func (f *runFolder) path(name string) string { return filepath.Join(f.dir, name) }

// openRunFolder makes or reopens the folder of a run and finds what to resume.
func openRunFolder(dir string, c Config) (*runFolder, error) {
	f := &runFolder{dir: dir, store: checkpoints.Store{Dir: filepath.Join(dir, checkpointFolder), Keep: c.Keep}}
	if err := os.MkdirAll(f.store.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("train: make the run's folder: %w", err)
	}
	unlock, err := checkpoints.Lock(dir)
	if err != nil {
		return nil, err
	}
	f.unlock = unlock
	if err := f.open(c); err != nil {
		unlock()
		return nil, err
	}
	return f, nil
}

func (f *runFolder) open(c Config) error {
	used := f.used()
	switch {
	case used && c.Resume != "auto" && !f.holds(c.Resume):
		return fmt.Errorf("train: %s: %w; continue it with --resume auto, or give another --out", f.dir, ErrRunExists)
	case c.Resume == "auto":
		if err := f.findNewest(); err != nil {
			return err
		}
	case c.Resume != "":
		snapshot, err := checkpoints.Read(c.Resume)
		if err != nil {
			return err
		}
		f.resume, f.from = &snapshot, c.Resume
	}
	if used && f.resume != nil {
		return nil
	}
	return f.writeConfig(c)
}

// used reports whether a run has begun here: a start that failed leaves no more than its configuration.
func (f *runFolder) used() bool {
	events, err := os.Stat(f.path(eventsFile))
	if err == nil && events.Size() > 0 {
		return true
	}
	saved, err := filepath.Glob(filepath.Join(f.store.Dir, "*.safetensors"))
	return err == nil && len(saved) > 0
}

// holds reports whether a checkpoint is this folder's own.
func (f *runFolder) holds(checkpoint string) bool {
	if checkpoint == "" {
		return false
	}
	own, errOwn := os.Stat(f.store.Dir)
	its, errIts := os.Stat(filepath.Dir(checkpoint))
	return errOwn == nil && errIts == nil && os.SameFile(own, its)
}

func (f *runFolder) findNewest() error {
	path, newest, passed, err := f.store.Latest()
	f.passed = passed
	if errors.Is(err, checkpoints.ErrNone) {
		if len(passed) > 0 {
			return fmt.Errorf("train: %s: no checkpoint is whole: %w; delete the folder to begin again", f.store.Dir, errors.Join(passed...))
		}
		return nil
	}
	if err != nil {
		return err
	}
	f.resume, f.from = &newest, path
	return nil
}

// writeConfig writes config.yaml: all that repeats the run, and in comments what it was made with.
func (f *runFolder) writeConfig(c Config) error {
	text, err := c.YAML()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, line := range Environment() {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	b.Write(text)
	if err := atomicfile.WriteFile(f.path(configFile), 0o644, b.Bytes()); err != nil {
		return fmt.Errorf("train: write the configuration: %w", err)
	}
	return nil
}
