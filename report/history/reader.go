package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"depthwise.dev/internal/regularfile"
	"depthwise.dev/report"
)

// Reader reads a growing events.jsonl: each Update reads what was appended since the last one.
type Reader struct {
	path    string
	history *History
	offset  int64
	file    os.FileInfo // the file that offset belongs to
}

// NewReader returns a reader of a file, which need not exist yet.
func NewReader(path string) *Reader { return &Reader{path: path, history: &History{}} }

// Read reads a whole file.
func Read(path string) (*History, error) {
	r := NewReader(path)
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return r.Update()
}

// Update reads the complete lines that are new, and returns the history, which belongs to the reader. A file that is shorter than
// before or another one, as after a resume, is read from its beginning. Lines that are no events are ignored: a kill tears
// them.
func (r *Reader) Update() (*History, error) {
	f, err := regularfile.Open(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return r.history, nil
	}
	if err != nil {
		return r.history, fmt.Errorf("history: %w", err)
	}
	defer f.Close() // opened for reading: the error carries no information
	info, err := f.Stat()
	if err != nil {
		return r.history, fmt.Errorf("history: %w", err)
	}
	if info.Size() < r.offset || r.file != nil && !os.SameFile(r.file, info) {
		r.history, r.offset = &History{}, 0
	}
	r.file = info
	return r.history, r.lines(io.NewSectionReader(f, r.offset, info.Size()-r.offset))
}

// lines adds complete lines.
func (r *Reader) lines(from io.Reader) error {
	const block = 1 << 20
	var rest []byte
	buffer := make([]byte, block)
	for {
		n, err := from.Read(buffer)
		rest = append(rest, buffer[:n]...)
		for {
			end := bytes.IndexByte(rest, '\n')
			if end < 0 {
				break
			}
			if e := parse(rest[:end]); e != nil {
				r.history.Add(e)
			}
			r.offset += int64(end + 1)
			rest = rest[end+1:]
		}
		rest = append([]byte{}, rest...)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("history: %s: %w", r.path, err)
		}
	}
}

// Events calls each with every event of a file that this package knows, in order, until it returns an error.
func Events(path string, each func(report.Event) error) error {
	f, err := regularfile.Open(path)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	defer f.Close() // opened for reading: the error carries no information
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // an incomplete last line is one that a process is writing
		}
		if err != nil {
			return fmt.Errorf("history: %s: %w", path, err)
		}
		if e := parse(line); e != nil {
			if err := each(e); err != nil {
				return err
			}
		}
	}
}

// parse returns the event of a line, nil if it is none that this package knows.
func parse(line []byte) report.Event {
	var kind struct {
		Event string `json:"event"`
	}
	if json.Unmarshal(line, &kind) != nil {
		return nil
	}
	switch kind.Event {
	case report.Step{}.Kind():
		return decode[report.Step](line, func(e *report.Step, null map[string]bool) {
			setNaN(null, map[string]*float64{"loss": &e.Loss, "lr": &e.LR, "top1": &e.Top1, "images_per_second": &e.ImagesPerSecond, "grad_norm": &e.GradNorm})
		})
	case report.Epoch{}.Kind():
		return decode[report.Epoch](line, func(e *report.Epoch, null map[string]bool) {
			setNaN(null, map[string]*float64{"train_loss": &e.TrainLoss, "train_top1": &e.TrainTop1, "val_loss": &e.ValLoss, "val_top1": &e.ValTop1,
				"val_top5": &e.ValTop5, "ema_val_loss": &e.EMAValLoss, "swa_val_loss": &e.SWAValLoss, "lr": &e.LR, "images_per_second": &e.ImagesPerSecond})
		})
	case report.Start{}.Kind():
		return decode[report.Start](line, nil)
	case report.Checkpoint{}.Kind():
		return decode[report.Checkpoint](line, nil)
	case report.Skip{}.Kind():
		return decode[report.Skip](line, nil)
	case report.Note{}.Kind():
		return decode[report.Note](line, nil)
	case report.Control{}.Kind():
		return decode[report.Control](line, nil)
	case report.Done{}.Kind():
		return decode[report.Done](line, nil)
	}
	return nil
}

// decode decodes an event. nulls, if not nil, gets the fields that are null: numbers that JSON cannot express.
func decode[E report.Event](line []byte, nulls func(e *E, null map[string]bool)) report.Event {
	var e E
	if json.Unmarshal(line, &e) != nil {
		return nil
	}
	if nulls == nil || !bytes.Contains(line, []byte("null")) {
		return e
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(line, &fields) != nil {
		return nil
	}
	null := map[string]bool{}
	for name, value := range fields {
		null[name] = string(value) == "null"
	}
	nulls(&e, null)
	return e
}

func setNaN(null map[string]bool, fields map[string]*float64) {
	for name, v := range fields {
		if null[name] {
			*v = math.NaN()
		}
	}
}
