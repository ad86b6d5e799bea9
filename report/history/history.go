// Package history reads the events of a run back: what charts and reports show of it. It needs no libtorch.
package history

import (
	"depthwise.dev/report"
)

// History is a run as its events tell it.
type History struct {
	Start       report.Start   // the last one: a resumed run has several
	Resumes     []int64        // steps from which the run was continued
	Epochs      []report.Epoch // in their order
	Steps       Series         // of all steps, summarized
	Notes       []report.Note  // the first ones, each text once
	Skips       []report.Skip  // the first ones
	Controls    []Control      // the first ones
	Skipped     int            // number of all
	Checkpoint  *report.Checkpoint
	Done        *report.Done // the last event; nil while the run goes on or after it was killed
	LastStep    int64
	notesByText map[string]bool
}

// Control is what was done on request, with the completed epochs then, such as 1.5.
type Control struct {
	report.Control
	Epoch float64
}

// Limits of what is kept.
const (
	maxNotes    = 60
	maxSkips    = 50
	maxControls = 200
	maxPoints   = 600 // of a series; reaching twice as many halves them
)

// Best is the epoch with the best validation, nil without one.
func (h *History) Best() *report.Epoch {
	for i := len(h.Epochs) - 1; i >= 0; i-- {
		if h.Epochs[i].Best {
			return &h.Epochs[i]
		}
	}
	return nil
}

// Add takes over an event.
func (h *History) Add(e report.Event) {
	h.Done = nil
	switch e := e.(type) {
	case report.Start:
		if e.Step > 0 {
			h.Resumes = append(h.Resumes, e.Step)
		}
		h.Start = e
	case report.Step:
		h.LastStep = e.Step
		h.Steps.add(e)
	case report.Epoch:
		h.LastStep = max(h.LastStep, e.Step)
		h.Epochs = append(h.Epochs, e)
	case report.Checkpoint:
		h.Checkpoint = &e
	case report.Skip:
		h.Skipped++
		if len(h.Skips) < maxSkips {
			h.Skips = append(h.Skips, e)
		}
	case report.Note:
		h.note(e)
	case report.Control:
		if len(h.Controls) < maxControls {
			h.Controls = append(h.Controls, Control{e, h.Steps.last})
		}
	case report.Done:
		h.Done = &e
	}
}

func (h *History) note(n report.Note) {
	if h.notesByText == nil {
		h.notesByText = map[string]bool{}
	}
	if !h.notesByText[n.Text] && len(h.Notes) < maxNotes {
		h.notesByText[n.Text] = true
		h.Notes = append(h.Notes, n)
	}
}

// Series summarizes steps: each point is the mean of a number of consecutive steps, which doubles when there are too many
// points. So a run of a million steps has a few hundred points.
type Series struct {
	Points []Point
	each   int     // steps of a point; 0: 1
	last   float64 // completed epochs of the last step
	open   Point   // sums of the last point, which is not complete
	steps  int     // in open
}

// Point is the mean of some steps. Values that are not finite are NaN.
type Point struct {
	Epoch           float64 // completed epochs, such as 1.5
	Loss, LR, Top1  float64
	ImagesPerSecond float64
	GradNorm        float64 // 0: not computed
	LossScale       float64 // 0: none
}

func (s *Series) add(e report.Step) {
	s.each = max(s.each, 1)
	s.last = float64(e.Epoch-1) + float64(e.Batch)/float64(max(e.Batches, 1))
	s.open = s.open.plus(Point{s.last, e.Loss, e.LR, e.Top1, e.ImagesPerSecond, e.GradNorm, e.LossScale})
	s.steps++
	if s.steps < s.each {
		return
	}
	s.Points = append(s.Points, s.open.over(s.steps))
	s.open, s.steps = Point{}, 0
	if len(s.Points) >= 2*maxPoints {
		for i := range maxPoints {
			s.Points[i] = s.Points[2*i].plus(s.Points[2*i+1]).over(2)
		}
		s.Points = s.Points[:maxPoints]
		s.each *= 2
	}
}

// All returns the complete points and the one of the last steps.
func (s *Series) All() []Point {
	list := append([]Point{}, s.Points...)
	if s.steps > 0 {
		list = append(list, s.open.over(s.steps))
	}
	return list
}

func (p Point) plus(q Point) Point {
	return Point{p.Epoch + q.Epoch, p.Loss + q.Loss, p.LR + q.LR, p.Top1 + q.Top1, p.ImagesPerSecond + q.ImagesPerSecond, p.GradNorm + q.GradNorm, p.LossScale + q.LossScale}
}

func (p Point) over(n int) Point {
	f := 1 / float64(n)
	return Point{p.Epoch * f, p.Loss * f, p.LR * f, p.Top1 * f, p.ImagesPerSecond * f, p.GradNorm * f, p.LossScale * f}
}
