package report

import (
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	barEvery    = 100 * time.Millisecond // how often the line is drawn
	widestBar   = 30
	narrowBar   = 10 // fields go before the bar gets narrower
	defaultWide = 80 // columns, where the terminal does not tell
	// aroundBar is what progressbar writes around bar and description: " 45% |", "|  " and a space at the end, and a column that
	// stays free, so that no terminal wraps.
	aroundBar = 12
	clearLine = "\r\x1b[2K"
)

// NewBar shows a progress bar on a terminal, with a line above it for each epoch; elsewhere it is NewPlain. Closing it leaves w open.
func NewBar(w io.Writer, terminal bool) Recorder {
	if !terminal {
		return NewPlain(w)
	}
	return newBar(w, func() int { return columns(w) }, time.Now)
}

func newBar(w io.Writer, width func() int, now func() time.Time) *bar {
	return &bar{w: &errorKeeper{w: w}, width: width, tracker: tracker{now: now}}
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
	w       *errorKeeper
	width   func() int
	tracker tracker
	phase   phase
	line    *progressbar.ProgressBar // nil when none is on the screen; a full one is never drawn again
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
		fields := append([]field{{epochOf(e.Epoch, b.tracker.epochs), 0}}, figures(&b.tracker)...)
		err = b.draw(phase{e.Epoch, false, e.Batches}, e.Batch, fields)
	case Validation:
		fields := []field{{epochOf(e.Epoch, b.tracker.epochs), 0}, {"validation", 1}}
		if left := b.tracker.timeLeft(); left != "" {
			fields = append(fields, field{left, 2})
		}
		err = b.draw(phase{e.Epoch, true, e.Batches}, e.Batch, fields)
	case Checkpoint: // the line of an epoch says enough
	case Start:
		b.tracker.start(e)
		err = b.print(lines(e))
	case Epoch:
		err = b.print([]string{fit(epochFields(e), b.width())})
	case Done:
		b.clear()
		b.line = nil
		err = b.print(lines(e))
	default:
		err = b.print(lines(e))
	}
	if kept := b.w.take(); kept != nil { // the others come from it
		err = kept
	}
	if err != nil {
		return fmt.Errorf("report: progress bar: %w", err)
	}
	return nil
}

// draw puts the line on the screen, or brings it up to date.
func (b *bar) draw(p phase, done int, fields []field) error {
	now := b.tracker.now()
	newPhase := b.line == nil || p != b.phase
	if !newPhase && done < p.batches && now.Sub(b.drawn) < barEvery {
		return nil
	}
	if newPhase {
		b.clear()
		b.phase = p
		b.line = progressbar.NewOptions(max(1, p.batches),
			progressbar.OptionSetWriter(b.w), progressbar.OptionUseANSICodes(true), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionSetPredictTime(false), progressbar.OptionShowDescriptionAtLineEnd(),
			progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: " ", BarStart: "|", BarEnd: "|"}))
	}
	b.drawn = now
	text, width := layout(fields, b.width())
	progressbar.OptionSetWidth(width)(b.line)
	progressbar.OptionSetDescription(text)(b.line)
	if err := b.line.Set(min(done, p.batches)); err != nil {
		return err
	}
	return b.line.RenderBlank()
}

// print writes lines that stay, above the bar.
func (b *bar) print(list []string) error {
	if len(list) == 0 {
		return nil
	}
	b.clear()
	for _, line := range list {
		fmt.Fprintln(b.w, line) // b.w keeps the error
	}
	if b.line == nil {
		return nil
	}
	return b.line.RenderBlank()
}

func (b *bar) clear() {
	if b.line != nil {
		io.WriteString(b.w, clearLine) // b.w keeps the error
	}
}

// Close takes the bar off the screen.
func (b *bar) Close() error {
	b.clear()
	b.line = nil
	if err := b.w.take(); err != nil {
		return fmt.Errorf("report: progress bar: %w", err)
	}
	return nil
}

// layout chooses the text beside the bar, and the bar's width, for a terminal of so many columns.
func layout(fields []field, columns int) (text string, width int) {
	room := max(0, columns-aroundBar)
	text = fit(fields, room-narrowBar)
	if len(text) > room {
		text = text[:room] // what is left by now is ASCII
	}
	return text, min(widestBar, room-utf8.RuneCountInString(text))
}

// errorKeeper remembers the first error of a writer: progressbar does not pass on all of them.
type errorKeeper struct {
	w   io.Writer
	err error
}

func (k *errorKeeper) Write(b []byte) (int, error) {
	n, err := k.w.Write(b)
	if k.err == nil {
		k.err = err
	}
	return n, err
}

// take returns the error and forgets it.
func (k *errorKeeper) take() error {
	err := k.err
	k.err = nil
	return err
}
