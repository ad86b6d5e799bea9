package charts

import (
	"fmt"
	"math"
	"strings"
)

// Bars is a chart of horizontal bars, from the top.
type Bars struct {
	Title, Note string // the note is below the title
	Axis        Axis
	Bars        []Bar
	// Low and High are the usual range, drawn as a band; none if both are 0.
	Low, High float64
	Width     float64 // of the chart in pixels. 0: 640
}

// Bar is a named value. NaN and infinity are printed in red instead of a bar; on a logarithmic axis values of 0 and below have none.
type Bar struct {
	Name  string
	Value float64
}

// Geometry of bars in pixels.
const (
	barStep     = 17
	barHeight   = 12
	valueWidth  = 62  // of the text right of the bars
	maxBarNames = 200 // width of names
)

func (c Bars) draw() (*scene, error) {
	width := c.Width
	if width == 0 {
		width = 640
	}
	s := &scene{width: width, title: c.Title, description: c.describe()}
	top := s.heading(c.Title, 12)
	if c.Note != "" {
		s.write(solid(muted), point{12, top + 10}, label{text: fit(c.Note, textSize, width-24)})
		top += 20
	}
	names := 40.0
	values := []float64{}
	for _, b := range c.Bars {
		names = max(names, textWidth(b.Name, smallSize, false))
		values = append(values, b.Value)
	}
	names = min(names, maxBarNames)
	if c.Low != 0 || c.High != 0 {
		values = append(values, c.Low, c.High)
	}
	left, right := 12+names+8, width-valueWidth
	axis := c.Axis
	axis.Zero = true
	x, ticks := axis.scale(values, left, right, max(2, int((right-left)/70)))
	bottom := top + 4 + barStep*float64(len(c.Bars))
	s.height = bottom + 24
	if c.Axis.Label != "" {
		s.height += 16
	}
	c.band(s, x, top, bottom)
	f := frame{x: x, xTicks: ticks, left: left, right: right, top: top, bottom: bottom, xLabel: c.Axis.Label}
	f.draw(s)
	for i, b := range c.Bars {
		c.bar(s, x, b, left, top+4+barStep*float64(i))
	}
	if len(c.Bars) == 0 {
		s.noData(left, top, right-left, 0, "no data")
	}
	return s, nil
}

// band draws the usual range.
func (c Bars) band(s *scene, x scale, top, bottom float64) {
	if c.Low == 0 && c.High == 0 {
		return
	}
	from, okFrom := x.position(c.Low)
	to, okTo := x.position(c.High)
	if okFrom && okTo {
		s.box(solid(good), from, top, to-from, bottom-top, "usual")
	}
}

// bar draws one bar with its name and value.
func (c Bars) bar(s *scene, x scale, b Bar, left, y float64) {
	s.write(solid(ink), point{left - 8, y + 10}, label{text: fit(b.Name, smallSize, maxBarNames), size: smallSize, anchor: end})
	value := label{text: c.Axis.show(b.Value), size: smallSize}
	if math.IsNaN(b.Value) || math.IsInf(b.Value, 0) {
		value.bold = true
		s.write(solid(bad), point{left + 4, y + 10}, value)
		return
	}
	zero := left
	if !x.log {
		zero, _ = x.position(0)
	}
	to, ok := x.position(b.Value)
	if !ok {
		to = zero
	}
	s.box(solid(accent), min(zero, to), y, math.Abs(to-zero), barHeight, b.Name+": "+value.text)
	s.write(solid(muted), point{max(zero, to) + 6, y + 10}, value)
}

// describe lists the largest and the smallest bar for screen readers.
func (c Bars) describe() string {
	if len(c.Bars) == 0 {
		return "Bar chart without bars."
	}
	var wrong []string
	low, high := -1, -1
	for i, b := range c.Bars {
		if math.IsNaN(b.Value) || math.IsInf(b.Value, 0) {
			wrong = append(wrong, b.Name)
			continue
		}
		if low < 0 || b.Value < c.Bars[low].Value {
			low = i
		}
		if high < 0 || b.Value > c.Bars[high].Value {
			high = i
		}
	}
	text := fmt.Sprintf("Bar chart of %d values.", len(c.Bars))
	if low >= 0 {
		text += fmt.Sprintf(" Largest: %s, %s. Smallest: %s, %s.", c.Bars[high].Name, c.Axis.show(c.Bars[high].Value), c.Bars[low].Name, c.Axis.show(c.Bars[low].Value))
	}
	if len(wrong) > 0 {
		text += " Not finite: " + strings.Join(wrong, ", ") + "."
	}
	return text
}
