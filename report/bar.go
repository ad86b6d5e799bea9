package report

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	barEvery  = 100 * time.Millisecond // minimum interval between updates of the line
	clearLine = "\r\x1b[2K"
	clearRest = "\x1b[0K"
)

// NewBar returns a recorder that shows a progress bar and, above it, a line for each epoch. If w is
// not a terminal, it returns NewPlain(w). Close does not close w.
func NewBar(w io.Writer, terminal bool) Recorder {
	if !terminal {
		return NewPlain(w)
	}
	return newBar(w, func() int { return Columns(w) }, time.Now)
}

func newBar(w io.Writer, width func() int, now func() time.Time) *bar {
	return &bar{w: w, width: width, tracker: tracker{now: now}}
}

type bar struct {
	w       io.Writer
	width   func() int
	tracker tracker
	phase   phase
	line    string // on the screen; "": none
	drawn   time.Time
}

// phase identifies what the bar measures: the training or validation of an epoch.
type phase struct {
	epoch      int
	validating bool
	batches    int
}

func (b *bar) Record(e Event) error {
	var err error
	switch e := e.(type) {
	case Step:
		b.tracker.step(e)
		fields := append([]field{{epochOf(e.Epoch, b.tracker.epochs), 2}}, figures(&b.tracker)...)
		err = b.draw(phase{e.Epoch, false, e.Batches}, e.Batch, fields)
	case Validation:
		fields := []field{{epochOf(e.Epoch, b.tracker.epochs), 2}, {"validation", 0}}
		if left := b.tracker.timeLeft(); left != "" {
			fields = append(fields, field{left, 1})
		}
		err = b.draw(phase{e.Epoch, true, e.Batches}, e.Batch, fields)
	case Checkpoint: // the epoch line is enough
	case Start:
		b.tracker.start(e)
		err = b.print(lines(e))
	case Budget:
		b.tracker.plan(e)
		err = b.print(lines(e))
	case Epoch:
		err = b.print([]string{dropToFit(epochFields(e), b.width())})
	case Done:
		err = errors.Join(b.clear(), b.print(lines(e)))
	default:
		err = b.print(lines(e))
	}
	if err != nil {
		return fmt.Errorf("report: progress bar: %w", err)
	}
	return nil
}

// draw updates the line on the screen.
func (b *bar) draw(p phase, done int, fields []field) error {
	now := b.tracker.now()
	if b.line != "" && p == b.phase && done < p.batches && now.Sub(b.drawn) < barEvery {
		return nil
	}
	b.phase, b.drawn = p, now
	b.line = barLine(int64(done), int64(p.batches), fields, b.width())
	_, err := io.WriteString(b.w, "\r"+b.line+clearRest)
	return err
}

// print writes permanent lines above the bar.
func (b *bar) print(list []string) error {
	if len(list) == 0 {
		return nil
	}
	var wrapped []string
	for _, line := range list {
		wrapped = append(wrapped, wrap(line, b.width())...)
	}
	text := strings.Join(wrapped, "\n") + "\n" + b.line
	if b.line != "" {
		text = clearLine + text
	}
	_, err := io.WriteString(b.w, text)
	return err
}

// clear removes the bar from the screen.
func (b *bar) clear() error {
	if b.line == "" {
		return nil
	}
	b.line = ""
	_, err := io.WriteString(b.w, clearLine)
	return err
}

// Close removes the bar from the screen.
func (b *bar) Close() error {
	if err := b.clear(); err != nil {
		return fmt.Errorf("report: progress bar: %w", err)
	}
	return nil
}
