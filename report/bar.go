package report

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"depthwise.dev/internal/terminal"
)

const (
	barEvery  = 100 * time.Millisecond // minimum interval between updates of the line
	clearLine = "\r\x1b[2K"
	clearRest = "\x1b[0K"
)

// NewBar returns a recorder that shows a progress bar and, above it, a table with a row for each epoch, in colors where w
// shows them. If w is not a terminal, it returns NewPlain(w). Close does not close w.
func NewBar(w io.Writer, isTerminal bool) Recorder {
	if !isTerminal {
		return NewPlain(w)
	}
	b := newBar(w, func() int { return Columns(w) }, time.Now)
	b.setPalette(terminal.Colors(w))
	return b
}

func newBar(w io.Writer, width func() int, now func() time.Time) *bar {
	return &bar{w: w, width: width, tracker: tracker{now: now}, noted: map[string]bool{}}
}

func (b *bar) setPalette(p terminal.Palette) { b.palette, b.table.palette = p, p }

type bar struct {
	w       io.Writer
	width   func() int // asked each time: a window may be resized
	palette terminal.Palette
	tracker tracker
	table   table
	noted   map[string]bool // notes without their numbers
	planned bool            // a time limit's first plan was shown; the time left follows the others
	phase   phase
	line    string // on the screen; "": none
	drawn   time.Time
}

// phase identifies what runs: the training or validation of an epoch.
type phase struct {
	epoch      int
	validating bool
}

func (b *bar) Record(e Event) error {
	if err := b.record(e); err != nil {
		return fmt.Errorf("report: progress bar: %w", err)
	}
	return nil
}

func (b *bar) record(e Event) error {
	switch e := e.(type) {
	case Step:
		b.tracker.step(e)
		return b.draw(phase{e.Epoch, false}, nil, e.Batch == e.Batches)
	case Validation:
		b.tracker.validation(e)
		return b.draw(phase{e.Epoch, true}, &e, e.Batch == e.Batches)
	case Checkpoint: // the row of the epoch is enough
		return nil
	case Epoch:
		return b.print(b.table.add(e, b.tracker.run, b.width()))
	case Done:
		return errors.Join(b.clear(), b.printWrapped(e))
	case Note:
		if b.repeated(e) {
			return nil
		}
	case Control:
		b.tracker.control(e)
	case Start:
		b.tracker.start(e)
	case Budget:
		b.tracker.plan(e)
		if b.planned {
			return nil
		}
		b.planned = true
	}
	return b.printWrapped(e)
}

// repeated reports whether a message differs only in its numbers from one that was shown: what is said after each epoch would
// hide the table. The files of the run have all.
func (b *bar) repeated(n Note) bool {
	if n.Level != Info {
		return false
	}
	text := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) || r == '.' {
			return -1
		}
		return r
	}, n.Text)
	shown := b.noted[text]
	b.noted[text] = true
	return shown
}

// draw updates the line on the screen, at the ends of phases in any case.
func (b *bar) draw(p phase, v *Validation, end bool) error {
	now := b.tracker.now()
	if b.line != "" && p == b.phase && !end && now.Sub(b.drawn) < barEvery {
		return nil
	}
	b.phase, b.drawn = p, now
	b.line = runLine(&b.tracker, v, b.width())
	_, err := io.WriteString(b.w, "\r"+b.line+clearRest)
	return err
}

// printWrapped writes an event as permanent lines.
func (b *bar) printWrapped(e Event) error {
	var list []string
	for _, line := range lines(e) {
		list = append(list, wrap(line, b.width())...)
	}
	return b.print(colored(list, e, b.palette))
}

// print writes permanent lines above the bar.
func (b *bar) print(list []string) error {
	if len(list) == 0 {
		return nil
	}
	text := strings.Join(list, "\n") + "\n" + b.line
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
