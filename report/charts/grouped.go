package charts

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/template"
)

// GroupedBars is a chart of horizontal bars in groups, one bar per series.
type GroupedBars struct {
	Title, Subtitle string
	Unit            string     // of the axis, such as "images per second"
	Series          []string   // names in the legend, at most len(seriesColors)
	Groups          []BarGroup // from the top
	Note            string     // below the axis; "": none
	// Ratio adds the ratio to the largest value of the other series to the labels of the first
	// series.
	Ratio bool
}

// BarGroup is one group of bars.
type BarGroup struct {
	Name, Detail string
	Values       []float64 // one per series, at least 0; NaN: the series has no bar here
}

// seriesColors are the fill colors of the series on light and dark backgrounds. No text is drawn on
// them.
var seriesColors = []struct{ Light, Dark string }{
	{"#1f6fd1", "#5aa2f5"}, {"#9aa3af", "#7f8a98"}, {"#d98a2b", "#e3a355"}, {"#4c9a67", "#6fbf8b"},
}

// Geometry of the chart in pixels. Scaled to a width of 480 px, the smallest text is 9 px high.
const (
	svgWidth   = 640.0
	svgLeft    = 24.0  // left edge of text, bars and axis
	svgRight   = 116.0 // space for the label of the longest bar
	svgBar     = 20.0  // height of a bar
	svgBarStep = 25.0
	svgGap     = 14.0 // between groups
	svgHeading = 28.0 // of a group
	axisTicks  = 5    // most steps of the axis
	noteChars  = 92   // most characters per line of the note
)

// WriteGroupedBars writes the chart as a self-contained SVG. The background is light or dark as the
// reader prefers (prefers-color-scheme).
func WriteGroupedBars(w io.Writer, c GroupedBars) error {
	if err := c.validate(); err != nil {
		return fmt.Errorf("charts: %q: %w", c.Title, err)
	}
	page, err := template.New("chart").Funcs(template.FuncMap{"px": px, "text": escape}).Parse(groupedBarsTemplate)
	if err == nil {
		err = page.Execute(w, c.layout())
	}
	if err != nil {
		return fmt.Errorf("charts: %q: %w", c.Title, err)
	}
	return nil
}

func (c GroupedBars) validate() error {
	if len(c.Series) == 0 || len(c.Series) > len(seriesColors) {
		return fmt.Errorf("%d series; must be 1 to %d", len(c.Series), len(seriesColors))
	}
	if len(c.Groups) == 0 {
		return fmt.Errorf("no groups")
	}
	for _, g := range c.Groups {
		if len(g.Values) != len(c.Series) {
			return fmt.Errorf("group %q has %d values for %d series", g.Name, len(g.Values), len(c.Series))
		}
		for i, v := range g.Values {
			if v < 0 || math.IsInf(v, 0) {
				return fmt.Errorf("group %q, series %q: %v; must be finite and at least 0, or NaN for no bar", g.Name, c.Series[i], v)
			}
		}
	}
	return nil
}

// chartLayout is the chart with all positions, for the template.
type chartLayout struct {
	GroupedBars
	Width, Height, Left, Right   float64
	PlotTop, PlotBottom, BarSize float64
	Colors                       []struct{ Light, Dark string }
	Legend                       []placed
	Headings                     []heading
	Bars                         []placedBar
	Ticks                        []placed
	Notes                        []placed
	Description                  string
}

type placed struct {
	X, Y float64
	Text string
}

type heading struct {
	Y            float64
	Name, Detail string
}

type placedBar struct {
	Y, Length, TextX, TextY float64
	Series                  int
	Text                    string
}

func (c GroupedBars) layout() chartLayout {
	l := chartLayout{GroupedBars: c, Width: svgWidth, Left: svgLeft, Right: svgWidth - svgRight, BarSize: svgBar, Colors: seriesColors[:len(c.Series)]}
	y := 36.0 // baseline of the title
	if c.Subtitle != "" {
		y += 22
	}
	y += 28
	for i, x := 0, svgLeft; i < len(c.Series); i++ {
		l.Legend = append(l.Legend, placed{X: x, Y: y, Text: c.Series[i]})
		x += 20 + 8.2*float64(len([]rune(c.Series[i]))) + 22 // average advance of 15 px text
	}
	y += 14
	l.PlotTop = y
	step, steps := axisStep(c.largest())
	scale := (l.Right - l.Left) / (step * float64(steps))
	for _, g := range c.Groups {
		l.Headings = append(l.Headings, heading{Y: y + 19, Name: g.Name, Detail: g.Detail})
		y += svgHeading
		for i, v := range g.Values {
			if math.IsNaN(v) {
				continue
			}
			l.Bars = append(l.Bars, placedBar{Y: y, Length: v * scale, TextX: svgLeft + v*scale + 7, TextY: y + 15.5, Series: i, Text: c.label(g, i)})
			y += svgBarStep
		}
		y += svgGap
	}
	l.PlotBottom = y - svgGap/2
	for i := range steps + 1 {
		v := step * float64(i)
		l.Ticks = append(l.Ticks, placed{X: svgLeft + v*scale, Y: l.PlotBottom + 19, Text: grouped(v)})
	}
	y = l.PlotBottom + 19 + 21 // the unit
	for _, line := range wrapWords(c.Note, noteChars) {
		y += 17
		l.Notes = append(l.Notes, placed{X: svgLeft, Y: y + 4, Text: line})
	}
	l.Height = y + 20
	l.Description = c.describe()
	return l
}

func (c GroupedBars) largest() float64 {
	largest := 0.0
	for _, g := range c.Groups {
		for _, v := range g.Values {
			if v > largest { // false for NaN
				largest = v
			}
		}
	}
	return largest
}

// label returns the text beside a bar: the value and, if requested, the ratio.
func (c GroupedBars) label(g BarGroup, series int) string {
	text := grouped(g.Values[series])
	if !c.Ratio || series != 0 {
		return text
	}
	other := 0.0
	for _, v := range g.Values[1:] {
		if v > other {
			other = v
		}
	}
	if other == 0 {
		return text
	}
	return fmt.Sprintf("%s (%.1f×)", text, g.Values[0]/other)
}

// describe returns the values as text for screen readers.
func (c GroupedBars) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Bar chart in %s.", c.Unit)
	for _, g := range c.Groups {
		var values []string
		for i, v := range g.Values {
			if !math.IsNaN(v) {
				values = append(values, c.Series[i]+" "+grouped(v))
			}
		}
		fmt.Fprintf(&b, " %s, %s: %s.", g.Name, g.Detail, strings.Join(values, ", "))
	}
	return b.String()
}

// axisStep returns a step of 1, 2, 2.5 or 5 times a power of ten, and the number of steps, at most
// axisTicks, that cover largest.
func axisStep(largest float64) (step float64, steps int) {
	if largest <= 0 {
		return 1, 1
	}
	power := math.Pow(10, math.Floor(math.Log10(largest/axisTicks)))
	for _, factor := range []float64{1, 2, 2.5, 5, 10} {
		step = factor * power
		if steps = int(math.Ceil(largest/step - 1e-9)); steps <= axisTicks {
			break
		}
	}
	return step, steps
}

// grouped formats a value with at most three decimals and thousands separators: 69.5, 1,492.
func grouped(v float64) string {
	return thousands(strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64))
}

// wrapWords breaks text between words into lines of at most maxChars characters; longer words stay
// whole.
func wrapWords(text string, maxChars int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > maxChars {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

const groupedBarsTemplate = `<svg xmlns="http://www.w3.org/2000/svg" width="{{px .Width}}" height="{{px .Height}}" viewBox="0 0 {{px .Width}} {{px .Height}}" role="img" aria-labelledby="title desc">
<title id="title">{{text .Title}}</title>
<desc id="desc">{{text .Description}}</desc>
<style>
text { font-family: system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: #1f2328; font-size: 15px }
.card { fill: #ffffff; stroke: #d0d7de }
.title { font-size: 20px; font-weight: 600 }
.name { font-weight: 600 }
.muted { fill: #59636e }
.tick { font-size: 13px; fill: #59636e; text-anchor: middle }
.note { font-size: 12.5px; fill: #59636e }
.grid { stroke: #d0d7de; stroke-width: 1 }
.over { paint-order: stroke; stroke: #ffffff; stroke-width: 5px; stroke-linejoin: round }
{{range $i, $c := .Colors}}.s{{$i}} { fill: {{$c.Light}} }
{{end}}@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.card { fill: #161b22; stroke: #3d444d }
.muted, .tick, .note { fill: #9aa5b1 }
.grid { stroke: #3d444d }
.over { stroke: #161b22 }
{{range $i, $c := .Colors}}.s{{$i}} { fill: {{$c.Dark}} }
{{end}}}
</style>
<rect class="card" x="0.5" y="0.5" width="{{px .Width}}" height="{{px .Height}}" rx="8" transform="scale(0.998)"/>
<text class="title" x="{{px .Left}}" y="36">{{text .Title}}</text>
{{with .Subtitle}}<text class="muted" x="{{px $.Left}}" y="58">{{text .}}</text>
{{end}}{{range $i, $e := .Legend}}<rect class="s{{$i}}" x="{{px $e.X}}" y="{{px $e.Y}}" width="13" height="13" rx="2" transform="translate(0 -12)"/><text x="{{px $e.X}}" y="{{px $e.Y}}" dx="20">{{text $e.Text}}</text>
{{end}}{{range .Ticks}}<line class="grid" x1="{{px .X}}" x2="{{px .X}}" y1="{{px $.PlotTop}}" y2="{{px $.PlotBottom}}"/><text class="tick" x="{{px .X}}" y="{{px .Y}}">{{text .Text}}</text>
{{end}}{{range .Headings}}<text class="over" x="{{px $.Left}}" y="{{px .Y}}"><tspan class="name">{{text .Name}}</tspan><tspan class="muted" dx="8">{{text .Detail}}</tspan></text>
{{end}}{{range .Bars}}<rect class="s{{.Series}} bar" x="{{px $.Left}}" y="{{px .Y}}" width="{{px .Length}}" height="{{px $.BarSize}}"/><text class="name over" x="{{px .TextX}}" y="{{px .TextY}}">{{text .Text}}</text>
{{end}}<text class="tick" x="{{px .Left}}" y="{{px .PlotBottom}}" dy="39" style="text-anchor: start">{{text .Unit}}</text>
{{range .Notes}}<text class="note" x="{{px .X}}" y="{{px .Y}}">{{text .Text}}</text>
{{end}}</svg>
`
