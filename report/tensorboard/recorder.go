package tensorboard

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/report"
	"depthwise.dev/report/history"
)

// Folder is the name of the folder of event files in that of a run.
const Folder = "tensorboard"

// eventsFile is the run's file of events.
const eventsFile = "events.jsonl"

// Prefixes of tags. Values of single steps have the first one, and only they.
const (
	stepTags  = "train/"
	epochTags = "epoch/"
)

// Recorder writes the scalars of a run into event files, and other values that its user measures. It implements
// [report.Recorder]. After an error nothing more is written.
type Recorder struct {
	file   *file
	now    func() time.Time
	failed error
}

// Open begins an event file in the folder of a run that starts or continues after step. Of a new run, the files of an earlier one
// are removed. Otherwise, events after step are removed from them, so that no step is there twice, and steps and epochs
// that events.jsonl has and a kill kept from the event files are added: with the time of the resume.
func Open(run string, mode fs.FileMode, step int64) (*Recorder, error) {
	return open(run, mode, step, time.Now)
}

func open(run string, mode fs.FileMode, step int64, now func() time.Time) (*Recorder, error) {
	dir := filepath.Join(run, Folder)
	folderMode := fs.FileMode(0o755)
	if mode&0o077 == 0 {
		folderMode = 0o700
	}
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, fmt.Errorf("tensorboard: %w", err)
	}
	r := &Recorder{now: now}
	if err := r.open(dir, filepath.Join(run, eventsFile), mode, step); err != nil {
		return nil, fmt.Errorf("tensorboard: %s: %w", dir, err)
	}
	return r, nil
}

func (r *Recorder) open(dir, events string, mode fs.FileMode, step int64) error {
	temporary := func(name string) bool {
		final, ok := atomicfile.FinalName(name)
		return ok && Own(final)
	}
	if err := atomicfile.RemoveStale(atomicfile.OS{}, dir, temporary); err != nil {
		return err
	}
	validated := int64(0) // step of the last epoch whose validation is complete
	if step > 0 {
		err := history.Events(events, func(e report.Event) error {
			if epoch, ok := e.(report.Epoch); ok {
				validated = epoch.Step
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	last := written{}
	list, err := files(dir)
	if err != nil {
		return err
	}
	for _, path := range list {
		err := filter(path, mode, func(h header) bool {
			if step == 0 || h.step > step || h.step == step && validated < step && !strings.HasPrefix(h.tag, stepTags) && !h.restart {
				return false
			}
			last.add(h)
			return true
		})
		if err != nil {
			return err
		}
	}
	from := step
	if step > 0 {
		from++
	}
	if r.file, err = create(dir, mode, from, r.now); err != nil || step == 0 {
		return err
	}
	return r.complete(events, step, last)
}

// written are the last step and epoch in event files.
type written struct{ step, epoch int64 }

func (w *written) add(h header) {
	switch {
	case strings.HasPrefix(h.tag, stepTags):
		w.step = max(w.step, h.step)
	case strings.HasPrefix(h.tag, epochTags):
		w.epoch = max(w.epoch, h.step)
	}
}

// complete adds the steps and epochs up to step that events.jsonl has and the event files lack.
func (r *Recorder) complete(events string, step int64, last written) error {
	err := history.Events(events, func(e report.Event) error {
		switch e := e.(type) {
		case report.Step:
			if e.Step > last.step && e.Step <= step {
				return r.Record(e)
			}
		case report.Epoch:
			if e.Step > last.epoch && e.Step <= step {
				return r.Record(e)
			}
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the checkpoint is of another folder
	}
	return err
}

// Record implements [report.Recorder].
func (r *Recorder) Record(e report.Event) error {
	switch e := e.(type) {
	case report.Step:
		return r.Write(e.Step, scalars(e)...)
	case report.Epoch:
		return errors.Join(r.Write(e.Step, scalars(e)...), r.Flush())
	case report.Checkpoint, report.Done:
		return r.Flush()
	case report.Validation:
		return r.Write(0) // flushes what is due
	}
	return nil
}

// Write writes values of a step.
func (r *Recorder) Write(step int64, values ...Value) error {
	return r.keep(func() error { return r.file.write(step, values) })
}

// Flush writes what is buffered.
func (r *Recorder) Flush() error { return r.keep(r.file.flush) }

// Close implements [report.Recorder].
func (r *Recorder) Close() error {
	return errors.Join(r.keep(r.file.flush), r.file.f.Close())
}

// keep returns the error of the first write that failed, again for each later one.
func (r *Recorder) keep(write func() error) error {
	if r.failed == nil {
		if err := write(); err != nil {
			r.failed = fmt.Errorf("tensorboard: %w", err)
		}
	}
	return r.failed
}

// scalars are the numbers of an event.
func scalars(e report.Event) []Value {
	_, list := report.Scalars(e)
	values := make([]Value, len(list))
	for i, s := range list {
		values[i] = Scalar(s.Tag, s.Value).Described(s.About)
	}
	return values
}
