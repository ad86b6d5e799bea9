package charts

import (
	"fmt"
	"math"
	"strings"
)

// Lines is a chart of one or more lines.
type Lines struct {
	Title  string
	X, Y   Axis
	Series []LineSeries
	Marks  []Mark
	// Empty says why there is nothing to draw, where that is so. "": no data.
	Empty string
	// Width and Height are those of the chart in pixels. 0: 480 x 280.
	Width, Height float64
}

// LineSeries is one line. X and Y have the same length; a line is interrupted where a value is not finite, and where it is not above
// 0 on a logarithmic axis.
type LineSeries struct {
	Name string
	X, Y []float64
	// Faint draws a thin, pale line behind the others: single steps behind their epochs.
	Faint bool
	// Color is the number of the color, which series share that belong together. Negative, as in [OwnColor]: the place of the series.
	Color  int
	Dashed bool
}

// OwnColor is the color of a series by its place.
const OwnColor = -1

// Mark is a vertical line with a name, such as the best epoch.
type Mark struct {
	X    float64
	Name string
}

func (c Lines) draw() (*scene, error) {
	width, height := c.Width, c.Height
	if width == 0 {
		width, height = 480, 280
	}
	s := &scene{width: width, height: height, title: c.Title, description: c.describe()}
	var xs, ys []float64
	var entries []legendEntry
	for i, line := range c.Series {
		if len(line.X) != len(line.Y) {
			return nil, wrap(c.Title, fmt.Errorf("series %q has %d values of x and %d of y", line.Name, len(line.X), len(line.Y)))
		}
		xs, ys = append(xs, line.X...), append(ys, line.Y...)
		entries = append(entries, line.entry(i))
	}
	for _, m := range c.Marks {
		xs = append(xs, m.X)
	}
	top := s.heading(c.Title, 12)
	if len(entries) > 1 {
		top = s.legend(entries, 12, top, width-24)
	}
	if len(c.Marks) > 0 {
		top += 10 // for the names
	}
	f := newFrame(width, height, top+6, c.X, c.Y, xs, ys)
	f.draw(s)
	if limit := c.Y.limit(ys); !math.IsInf(limit, 1) {
		s.write(solid(muted), point{f.right, 20}, label{text: "the largest value, " + c.Y.show(largest(ys)) + ", is cut off", size: smallSize, anchor: end})
	}
	c.drawMarks(s, f)
	drawn := 0
	for _, faint := range []bool{true, false} {
		for i, line := range c.Series {
			if line.Faint == faint {
				drawn += line.draw(s, f, i)
			}
		}
	}
	if drawn == 0 {
		empty := c.Empty
		if empty == "" {
			empty = "no data"
		}
		s.noData(f.left, f.top, f.right-f.left, f.bottom-f.top, empty)
	}
	return s, nil
}

// largest returns the largest finite value.
func largest(values []float64) float64 {
	r := emptySpan()
	for _, v := range values {
		r.add(v)
	}
	return r.high
}

// paint is the color of a series at a place.
func (l LineSeries) paint(i int) (paint, bool) {
	if l.Color >= 0 {
		i = l.Color
	}
	p, dashed := seriesPaint(i)
	if l.Faint {
		p.opacity = 0.5
	}
	return p, dashed || l.Dashed
}

func (l LineSeries) entry(i int) legendEntry {
	p, dashed := l.paint(i)
	return legendEntry{name: l.Name, color: p, dashed: dashed}
}

// draw draws the parts of the line between values that have no position, and returns the number of points.
func (l LineSeries) draw(s *scene, f frame, i int) int {
	p, dashed := l.paint(i)
	width := 2.0
	if l.Faint {
		width = 1
	}
	drawn := 0
	var part []point
	flush := func() {
		drawn += len(part)
		switch {
		case len(part) == 1:
			s.add(shape{kind: circle, points: part, radius: width + 1, fill: p})
		case len(part) > 1:
			s.add(shape{kind: path, points: part, stroke: p, width: width, dashed: dashed})
		}
		part = nil
	}
	for j := range l.X {
		at, ok := f.at(l.X[j], l.Y[j])
		at.y = max(at.y, f.top) // of an outlier
		if !ok {
			flush()
			continue
		}
		part = append(part, at)
	}
	few := len(part) == len(l.X) && len(part) > 1 && len(part) <= 30 && !l.Faint
	dots := part
	flush()
	for j, at := range dots {
		if few { // the values of epochs
			s.add(shape{kind: circle, points: []point{at}, radius: 2.5, fill: p, tip: fmt.Sprintf("%s: %s at %s %s", l.Name, number(l.Y[j]), f.xLabel, number(l.X[j]))})
		}
	}
	return drawn
}

// drawMarks draws the vertical lines. A name that would overlap the one before it is left out.
func (c Lines) drawMarks(s *scene, f frame) {
	last := math.Inf(-1)
	for _, m := range c.Marks {
		x, ok := f.x.position(m.X)
		if !ok {
			continue
		}
		s.add(shape{kind: path, points: []point{{x, f.top - 2}, {x, f.bottom}}, stroke: solid(muted), width: 1, dashed: true, tip: m.Name})
		w := textWidth(m.Name, smallSize, false)
		left := min(max(x-w/2, f.left), f.right-w)
		if left < last+6 {
			continue
		}
		last = left + w
		s.write(solid(muted), point{left, f.top - 6}, label{text: m.Name, size: smallSize})
	}
}

// describe says for screen readers what the lines show: first and last values.
func (c Lines) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Line chart of %s by %s.", strings.TrimSpace(c.Y.Label), c.X.Label)
	for _, line := range c.Series {
		if line.Faint || len(line.Y) == 0 {
			continue
		}
		r := emptySpan()
		for _, y := range line.Y {
			r.add(y)
		}
		fmt.Fprintf(&b, " %s: from %s to %s", line.Name, c.Y.show(line.Y[0]), c.Y.show(line.Y[len(line.Y)-1]))
		if r.low <= r.high {
			fmt.Fprintf(&b, ", lowest %s, highest %s", c.Y.show(r.low), c.Y.show(r.high))
		}
		b.WriteByte('.')
	}
	return b.String()
}

// show formats a value of the axis.
func (a Axis) show(v float64) string {
	if a.Percent {
		return fmt.Sprintf("%.1f%%", 100*v)
	}
	return number(v)
}
