package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"depthwise.dev/internal/terminal"
)

// plainEvery is the interval of progress lines.
const plainEvery = 10 * time.Second

// NewPlain returns a recorder that writes lines for a log: one per event except Step and
// Validation, and a progress line every 10 seconds. Close does not close w.
func NewPlain(w io.Writer) Recorder {
	p := newPlain(w, time.Now)
	p.palette = terminal.Forced() // programs search the lines
	return p
}

func newPlain(w io.Writer, now func() time.Time) *plain {
	return &plain{w: w, tracker: tracker{now: now}, last: now()}
}

type plain struct {
	w       io.Writer
	tracker tracker
	planned int64     // steps of the plan that was shown last; 0: none
	last    time.Time // time of the last line
	palette terminal.Palette
}

func (p *plain) Record(e Event) error {
	switch e := e.(type) {
	case Start:
		p.tracker.start(e)
	case Budget:
		p.tracker.plan(e)
		if !p.newPlan(e) {
			return nil
		}
	case Control:
		p.tracker.control(e)
	case Epoch:
		return p.print(colored([]string{join(epochFields(e, p.tracker.run))}, e, p.palette))
	case Step:
		p.tracker.step(e)
		return p.progress(stepFields(&p.tracker, e))
	case Validation:
		return p.progress([]string{epochOf(e.Epoch, p.tracker.run.Epochs), fmt.Sprintf("validation %d/%d", e.Batch, e.Batches)})
	}
	return p.print(colored(lines(e), e, p.palette))
}

// shownCorrection is the smallest change of the steps of a time limit that is shown; events.jsonl has all. Plans of short epochs on
// a busy machine change by some percent after each.
const shownCorrection = 0.1

// newPlan reports whether a plan differs enough from the one that was shown.
func (p *plain) newPlan(b Budget) bool {
	if change := b.Steps - p.planned; p.planned > 0 && math.Abs(float64(change)) < shownCorrection*float64(p.planned) {
		return false
	}
	p.planned = b.Steps
	return true
}

func (p *plain) progress(fields []string) error {
	if p.tracker.now().Sub(p.last) < plainEvery {
		return nil
	}
	return p.print([]string{join(fields)})
}

func (p *plain) print(list []string) error {
	if len(list) == 0 {
		return nil
	}
	p.last = p.tracker.now()
	if _, err := io.WriteString(p.w, strings.Join(list, "\n")+"\n"); err != nil {
		return fmt.Errorf("report: progress: %w", err)
	}
	return nil
}

func (p *plain) Close() error { return nil }

// stepFields returns the fields of a progress line in a log.
func stepFields(t *tracker, s Step) []string {
	return append([]string{
		epochOf(s.Epoch, t.run.Epochs),
		fmt.Sprintf("batch %d/%d", s.Batch, s.Batches),
		fmt.Sprintf("step %d", s.Step),
	}, figures(t)...)
}

// figures returns the metrics of a step that both progress lines show.
func figures(t *tracker) []string {
	list := []string{"loss " + number(t.shownLoss()), top1Name(t.multiLabel) + percent(t.top1.value()), speed(t.speed.value())}
	if left := t.timeLeft(); left != "" {
		list = append(list, left)
	}
	return list
}
