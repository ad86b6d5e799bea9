package tensorboard

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/regularfile"
)

// A file is named events.out.tfevents.TIME.depthwise. TensorBoard reads the files of a folder in the order of their names, so
// TIME, in seconds, is above that of every earlier file. Files of other programs are left alone.
const (
	prefix = "events.out.tfevents."
	suffix = ".depthwise"
)

// flushEvery bounds what a kill loses of a run that cannot be resumed: a resume completes the files from events.jsonl.
const flushEvery = 2 * time.Second

// bufferSize is some hundred steps.
const bufferSize = 64 << 10

// file is an event file that is written. It has one writer.
type file struct {
	f       *os.File
	buffer  *bufio.Writer
	seen    map[string]bool // tags
	flushed time.Time
	now     func() time.Time
}

// create begins a file after the existing ones. A running TensorBoard forgets what it has read of steps from step on.
func create(dir string, mode fs.FileMode, step int64, now func() time.Time) (*file, error) {
	list, err := files(dir)
	if err != nil {
		return nil, err
	}
	at := now().Unix()
	if len(list) > 0 {
		at = max(at, timeOf(list[len(list)-1])+1)
	}
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("%s%010d%s", prefix, at, suffix)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	w := &file{f: f, buffer: bufio.NewWriterSize(f, bufferSize), seen: map[string]bool{}, flushed: now(), now: now}
	err = w.append(version(now()))
	if step > 0 {
		err = errors.Join(err, w.append(restart(now(), step)))
	}
	if err = errors.Join(err, w.flush()); err != nil {
		f.Close() // return the first error
		return nil, err
	}
	return w, nil
}

// write appends values of a step, if there are any, as one event, and flushes the buffer when it is time.
func (w *file) write(step int64, values []Value) error {
	if len(values) > 0 {
		if err := w.append(summary(w.now(), step, values, w.seen)); err != nil {
			return err
		}
	}
	if w.now().Sub(w.flushed) < flushEvery {
		return nil
	}
	return w.flush()
}

func (w *file) append(event []byte) error {
	_, err := w.buffer.Write(appendRecord(nil, event))
	return err
}

func (w *file) flush() error {
	w.flushed = w.now()
	return w.buffer.Flush()
}

// files lists the files of this package in a folder, in their order.
func files(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, err
	}
	var list []string
	for _, e := range entries {
		if timeOf(e.Name()) >= 0 && e.Type().IsRegular() {
			list = append(list, filepath.Join(dir, e.Name()))
		}
	}
	return list, nil
}

// Own reports whether a file name is one that this package gives.
func Own(name string) bool { return timeOf(name) >= 0 }

// timeOf returns TIME of a file's name, -1 for other files.
func timeOf(path string) int64 {
	text, hasPrefix := strings.CutPrefix(filepath.Base(path), prefix)
	text, hasSuffix := strings.CutSuffix(text, suffix)
	at, err := strconv.ParseInt(text, 10, 64)
	if !hasPrefix || !hasSuffix || err != nil || len(text) != 10 {
		return -1
	}
	return at
}

// keepRecord selects the events to keep.
type keepRecord func(h header) bool

// filter keeps the selected events of a file, up to the first damaged record. A file that would change is replaced, and removed
// if nothing is left.
func filter(path string, mode fs.FileMode, keep keepRecord) error {
	old, err := regularfile.Open(path)
	if err != nil {
		return err
	}
	defer old.Close() // opened for reading: the error carries no information
	var kept int
	errUnchanged, errEmpty := errors.New("unchanged"), errors.New("empty")
	err = atomicfile.Write(path, mode, func(w io.Writer) error {
		buffered := bufio.NewWriter(w)
		changed, err := copyRecords(buffered, bufio.NewReader(old), keep, &kept)
		switch {
		case err != nil:
			return err
		case kept == 0:
			return errEmpty
		case !changed:
			return errUnchanged
		}
		return buffered.Flush()
	})
	switch {
	case errors.Is(err, errUnchanged):
		return nil
	case errors.Is(err, errEmpty):
		return os.Remove(path)
	}
	return err
}

// copyRecords copies selected records, counts those with a summary, and reports whether any was left out.
func copyRecords(w io.Writer, r *bufio.Reader, keep keepRecord, kept *int) (changed bool, err error) {
	for {
		data, err := readRecord(r)
		if errors.Is(err, io.EOF) {
			return changed, nil
		}
		if errors.Is(err, errDamaged) {
			return true, nil
		}
		if err != nil {
			return changed, err
		}
		h, ok := parseHeader(data)
		if !ok || !h.version && !keep(h) {
			changed = true
			continue
		}
		if h.tag != "" {
			*kept++
		}
		if _, err := w.Write(appendRecord(nil, data)); err != nil {
			return changed, err
		}
	}
}
