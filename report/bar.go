package report

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

const (
	barEvery    = 100 * time.Millisecond // how often the line is drawn
	defaultWide = 80                     // columns, if the terminal does not say
	clearLine   = "\r\x1b[2K"
	clearRest   = "\x1b[0K"
)

// NewBar shows a progress bar on a terminal, with a line above it for each epoch. Without a
// terminal it is NewPlain. Closing it leaves w open.
func NewBar(w io.Writer, terminal bool) Recorder {
	if !terminal {
		return NewPlain(w)
	}
	return newBar(w, func() int { return columns(w) }, time.Now)
}

func newBar(w io.Writer, width func() int, now func() time.Time) *bar {
	return &bar{w: w, width: width, tracker: tracker{now: now}}
}

// columns is the width of a terminal.
func columns(w io.Writer) int {
	if f, ok := w.(interface{ Fd() uintptr }); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return defaultWide
}

type bar struct {
	w       io.Writer
	width   func() int
	tracker tracker
	phase   phase
	line    string // on the screen, or ""
	drawn   time.Time
}

// phase is what one bar is for.
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
	case Checkpoint: // the line of the epoch suffices
	case Start:
		b.tracker.start(e)
		err = b.print(lines(e))
	case Epoch:
		err = b.print([]string{fit(epochFields(e), b.width())})
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
	b.line = barLine(min(done, p.batches), max(1, p.batches), fields, b.width())
	_, err := io.WriteString(b.w, "\r"+b.line+clearRest)
	return err
}

// print writes lines that stay, above the bar.
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

// progressWidth is the width of the bar on a terminal. It depends on nothing else, so that the bar
// does not jump when its text changes, and leaves room for loss and time left.
func progressWidth(columns int) int {
	switch {
	case columns >= 100:
		return 30
	case columns >= 60:
		return 10
	}
	return 0
}

// barLine is percentage, bar and the fields that fit. The last column stays free, so that no
// terminal wraps.
func barLine(done, of int, fields []field, columns int) string {
	line := fmt.Sprintf("%4d%% ", 100*done/of)
	if width := progressWidth(columns); width > 0 {
		full := width * done / of
		line += "|" + strings.Repeat("█", full) + strings.Repeat(" ", width-full) + "| "
	}
	line += " " + fit(fields, columns-utf8.RuneCountInString(line)-2)
	runes := []rune(line)
	return string(runes[:min(len(runes), max(0, columns-1))])
}
