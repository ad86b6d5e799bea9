package report

import (
	"fmt"
	"html/template"
	"io"
	"math"
)

// BarPage is an HTML page of bar charts.
type BarPage struct {
	Title  string
	Facts  []string // lines below the title
	Charts []BarChart
}

// BarChart is a chart of horizontal bars, from the top.
type BarChart struct {
	Title, Note string
	Log         bool // logarithmic axis; values of 0 and below have no bar
	Bars        []Bar
	// Low and High are the usual range, drawn as a band; none if both are 0.
	Low, High float64
}

// Bar is a named value. NaN and infinity are printed in red instead of a bar.
type Bar struct {
	Name  string
	Value float64
}

// WriteBars writes a self-contained HTML page: it refers to no scripts, styles, images or other
// pages.
func WriteBars(w io.Writer, p BarPage) error {
	page, err := template.New("bars").Parse(barTemplate)
	if err == nil {
		err = page.Execute(w, p)
	}
	if err != nil {
		return fmt.Errorf("report: bar page: %w", err)
	}
	return nil
}

// barWidth is the length of the longest bar, in pixels.
const barWidth = 480

// scale maps the values of a chart to pixels.
type scale struct {
	log       bool
	low, high float64 // ends of the axis; logarithms if log is set
}

func (c BarChart) scale() scale {
	s := scale{log: c.Log, low: math.Inf(1), high: math.Inf(-1)}
	values := []float64{c.Low, c.High}
	for _, b := range c.Bars {
		values = append(values, b.Value)
	}
	for _, v := range values {
		if m, ok := s.position(v); ok && (v != 0 || !c.Log) {
			s.low, s.high = math.Min(s.low, m), math.Max(s.high, m)
		}
	}
	if c.Log {
		s.low, s.high = math.Floor(s.low), math.Ceil(s.high) // whole powers of ten
	} else {
		s.low = math.Min(s.low, 0)
	}
	if !(s.high > s.low) {
		s.high = s.low + 1
	}
	return s
}

// position returns the coordinate of a value on the axis, and false if it has none.
func (s scale) position(v float64) (float64, bool) {
	if s.log {
		v = math.Log10(v)
	}
	return v, !math.IsNaN(v) && !math.IsInf(v, 0)
}

// pixels returns the distance of a value from the left end, in pixels.
func (s scale) pixels(v float64) float64 {
	m, ok := s.position(v)
	if !ok {
		return 0
	}
	return math.Round(10*barWidth*math.Max(0, (m-s.low)/(s.high-s.low))) / 10
}

// barRow is the layout of a bar.
type barRow struct {
	Name, Text          string
	Y, TextY, From, Len float64
	Bad                 bool
}

// Rows returns the layout of the bars, for the template.
func (c BarChart) Rows() []barRow {
	s := c.scale()
	zero := 0.0
	if !c.Log {
		zero = s.pixels(0)
	}
	var rows []barRow
	for i, b := range c.Bars {
		end := s.pixels(b.Value)
		row := barRow{Name: b.Name, Text: fmt.Sprintf("%.3g", b.Value), Y: float64(15 * i), TextY: float64(15*i) + 10,
			From: math.Min(zero, end), Len: math.Abs(end - zero)}
		if math.IsNaN(b.Value) || math.IsInf(b.Value, 0) {
			row.Bad, row.Len = true, 0
		}
		rows = append(rows, row)
	}
	return rows
}

// Height returns the height of the chart in pixels, for the template.
func (c BarChart) Height() int { return 15 * len(c.Bars) }

// Band returns start and width of the band of usual values in pixels, for the template; nil for
// none.
func (c BarChart) Band() []float64 {
	if c.Low == 0 && c.High == 0 {
		return nil
	}
	s := c.scale()
	return []float64{s.pixels(c.Low), s.pixels(c.High) - s.pixels(c.Low)}
}

// Axis describes the ends of the axis, for the template.
func (c BarChart) Axis() string {
	s := c.scale()
	if c.Log {
		return fmt.Sprintf("from %.0e to %.0e, logarithmic", math.Pow(10, s.low), math.Pow(10, s.high))
	}
	return fmt.Sprintf("from %.3g to %.3g", s.low, s.high)
}

const barTemplate = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title>
<style>
body { font: 14px sans-serif; margin: 2em; max-width: 60em; color: #222; background: #fff }
h2 { margin: 1.6em 0 0.2em } p { margin: 0.2em 0; color: #555 }
text { font: 11px monospace } .bar { fill: #4878a8 } .band { fill: #e4efdc } .bad { fill: #c02020; font-weight: bold }
</style></head><body>
<h1>{{.Title}}</h1>
{{range .Facts}}<p>{{.}}</p>
{{end}}{{range .Charts}}<h2>{{.Title}}</h2>
<p>{{.Note}} ({{.Axis}})</p>
<svg width="900" height="{{.Height}}" role="img" aria-label="{{.Title}}">{{$height := .Height}}
{{with .Band}}<rect class="band" x="{{index . 0}}" y="0" width="{{index . 1}}" height="{{$height}}" transform="translate(260)"/>
{{end}}{{range .Rows}}<text x="250" y="{{.TextY}}" text-anchor="end">{{.Name}}</text>` +
	`<g transform="translate(260)"><rect class="bar" x="{{.From}}" y="{{.Y}}" width="{{.Len}}" height="12"/>` +
	`<text{{if .Bad}} class="bad"{{end}} x="490" y="{{.TextY}}">{{.Text}}</text></g>
{{end}}</svg>
{{end}}</body></html>
`
