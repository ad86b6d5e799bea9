package train

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/redact"
	"depthwise.dev/internal/regularfile"
	"depthwise.dev/weights"
)

// Files of a run's folder, beside those of package weights.
const (
	configFile  = "config.yaml"
	eventsFile  = "events.jsonl"
	metricsFile = "metrics.csv"
)

// ErrRunExists is returned when the folder already holds a run and Resume is not set.
var ErrRunExists = errors.New("the folder already holds a run")

// runFolder is a run's folder, locked against other processes.
type runFolder struct {
	dir        string
	store      checkpoints.Store
	unlock     func()
	resume     *checkpoints.File // the checkpoint to continue from; nil for a new run
	from       string            // the file that resume was read from
	skipped    []error           // damaged newer checkpoints
	created    bool              // the folder did not exist before
	older      bool              // the run was started by a version before olderSettings
	resumed    bool              // the folder holds the run that resume continues
	watched    []watched         // what must stay in its place
	configText []byte            // the content of config.yaml
	threads    threads           // that compute
	elsewhere  bool              // rank 0 has opened it and writes its files, and this is another rank
}

func (f *runFolder) path(name string) string { return filepath.Join(f.dir, name) }

// openRunFolder creates or reopens the folder of a run of some ranks and finds the checkpoint to resume.
func openRunFolder(c config.Config, usual threads, ranks int) (*runFolder, error) {
	dir, created, err := c.OutFolder()
	if err != nil {
		return nil, err
	}
	f := &runFolder{dir: dir, store: checkpoints.Store{Dir: filepath.Join(dir, weights.CheckpointFolder), Keep: c.Keep}}
	_, err = os.Stat(dir)
	f.created = created || errors.Is(err, os.ErrNotExist)
	if err := os.MkdirAll(f.store.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("train: create the run's folder: %w", err)
	}
	unlock, err := checkpoints.Lock(dir)
	if err != nil {
		return nil, err
	}
	f.unlock = unlock
	if err := f.open(c, usual, ranks); err != nil {
		f.discardNew()
		unlock()
		return nil, err
	}
	return f, nil
}

func (f *runFolder) open(c config.Config, usual threads, ranks int) error {
	used := f.used()
	switch {
	case used && c.Resume != "auto" && !f.holds(c.Resume):
		return fmt.Errorf("train: %s: %w; continue it with train resume %s, or give another --out", f.dir, ErrRunExists, f.dir)
	case c.Resume == "auto":
		if err := f.findNewest(); err != nil {
			return err
		}
	case c.Resume != "":
		if info, err := os.Stat(c.Resume); err == nil && info.IsDir() {
			return fmt.Errorf("train: resume: %s is a folder; train resume %s continues the run in it", c.Resume, c.Resume)
		}
		snapshot, err := checkpoints.Read(c.Resume)
		if err != nil {
			return err
		}
		f.resume, f.from = &snapshot, c.Resume
	}
	f.threads = chooseThreads(c.Threads, f.resume, usual, ranks)
	c.Threads = f.threads.n
	if f.resumed = used && f.resume != nil; f.resumed {
		text, err := os.ReadFile(f.path(configFile))
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			f.configText = text // of what cannot be read, nothing is written again
			return nil
		}
	}
	return f.writeConfig(c)
}

// keepConfig writes config.yaml again if it was removed: to continue the run needs it.
func (f *runFolder) keepConfig(c config.Config) error {
	if f.elsewhere {
		return nil
	}
	if _, err := os.Lstat(f.path(configFile)); f.configText == nil || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return f.writeConfigText(c)
}

// discardNew removes the folder again if it was created for a run that could not start. It removes what openRunFolder
// made, and nothing else.
func (f *runFolder) discardNew() {
	if !f.created {
		return
	}
	for _, name := range []string{f.path(configFile), f.store.Dir, f.path(checkpoints.LockName), f.dir} {
		os.Remove(name) // folders only if they are empty
	}
}

// used reports whether a run has started here: a failed start leaves only its configuration.
func (f *runFolder) used() bool {
	events, err := os.Stat(f.path(eventsFile))
	if err == nil && events.Size() > 0 {
		return true
	}
	saved, err := filepath.Glob(filepath.Join(f.store.Dir, "*.safetensors"))
	return err == nil && len(saved) > 0
}

// holds reports whether a checkpoint belongs to this folder.
func (f *runFolder) holds(checkpoint string) bool {
	if checkpoint == "" {
		return false
	}
	own, errOwn := os.Stat(f.store.Dir)
	its, errIts := os.Stat(filepath.Dir(checkpoint))
	return errOwn == nil && errIts == nil && os.SameFile(own, its)
}

// olderSplit reports whether the checkpoint is of a version that recorded no datasets.Split.
func (f *runFolder) olderSplit() bool {
	if f.resume == nil {
		return false
	}
	_, divided := f.resume.Meta[weights.MetaValSplit]
	_, recorded := f.resume.Meta[weights.MetaSplit]
	return divided && !recorded
}

func (f *runFolder) findNewest() error {
	path, newest, skipped, err := f.store.Latest()
	f.skipped = skipped
	if errors.Is(err, checkpoints.ErrNone) {
		if len(skipped) > 0 {
			return fmt.Errorf("train: %s: every checkpoint is damaged: %w; delete the folder to start again", f.store.Dir, errors.Join(skipped...))
		}
		return nil
	}
	if err != nil {
		return err
	}
	f.resume, f.from = &newest, path
	return nil
}

// fileMode is the mode of the files that may name the data. Addresses are stored without their secrets;
// the mode keeps the rest of such an address, such as a private server's name, from other users too.
func fileMode(c config.Config) fs.FileMode {
	if redact.HasSecrets(c.Data) {
		return 0o600
	}
	return 0o644
}

// writeConfig writes config.yaml: the settings that repeat the run, and the environment in
// comments.
func (f *runFolder) writeConfig(c config.Config) error {
	text, err := c.YAML()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, line := range backend.Environment() {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	if c.Launch != "" {
		fmt.Fprintf(&b, "%s%s\n", config.LaunchComment, c.Launch)
	}
	fmt.Fprintf(&b, "# this run: threads %d, workers %d\n", c.Threads, c.LoaderOptions(true).Workers)
	b.Write(text)
	f.configText = b.Bytes()
	return f.writeConfigText(c)
}

func (f *runFolder) writeConfigText(c config.Config) error {
	path := f.path(configFile)
	err := regularfile.Clear(path)
	if err == nil {
		err = atomicfile.WriteFile(path, fileMode(c), f.configText)
	}
	if err != nil {
		return fmt.Errorf("train: write the configuration: %w", err)
	}
	return nil
}
