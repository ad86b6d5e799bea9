package report

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// plainEvery is the interval of progress lines.
const plainEvery = 10 * time.Second

// NewPlain returns a recorder that writes lines for a log: one per event except Step and
// Validation, and a progress line every 10 seconds. Close does not close w.
func NewPlain(w io.Writer) Recorder { return newPlain(w, time.Now) }

func newPlain(w io.Writer, now func() time.Time) *plain {
	return &plain{w: w, tracker: tracker{now: now}, last: now()}
}

type plain struct {
	w       io.Writer
	tracker tracker
	last    time.Time // time of the last line
}

func (p *plain) Record(e Event) error {
	switch e := e.(type) {
	case Start:
		p.tracker.start(e)
	case Budget:
		p.tracker.plan(e)
	case Step:
		p.tracker.step(e)
		return p.progress(stepFields(&p.tracker, e))
	case Validation:
		return p.progress([]field{{epochOf(e.Epoch, p.tracker.epochs), 0}, {fmt.Sprintf("validation %d/%d", e.Batch, e.Batches), 0}})
	}
	return p.print(lines(e))
}

func (p *plain) progress(fields []field) error {
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
func stepFields(t *tracker, s Step) []field {
	return append([]field{
		{epochOf(s.Epoch, t.epochs), 0},
		{fmt.Sprintf("batch %d/%d", s.Batch, s.Batches), 0},
		{fmt.Sprintf("step %d", s.Step), 0},
	}, figures(t)...)
}

// figures returns the metrics of a step that both progress lines show.
func figures(t *tracker) []field {
	list := []field{{"loss " + number(t.shownLoss()), 0}, {top1Name(t.multiLabel) + percent(t.top1.value()), 4}, {speed(t.speed.value()), 3}}
	if left := t.timeLeft(); left != "" {
		list = append(list, field{left, 1})
	}
	return list
}
