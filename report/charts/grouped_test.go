package charts

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files in testdata")

// sampleChart uses every feature: several groups, a series without a bar, text that XML escapes.
func sampleChart() GroupedBars {
	return GroupedBars{
		Title: "Rates & <ratios>", Subtitle: "larger is better", Unit: "images per second", Series: []string{"ours", "theirs", "others"}, Ratio: true,
		Groups: []BarGroup{
			{Name: "first", Detail: "batch 32", Values: []float64{1492.5, 746.25, math.NaN()}},
			{Name: "second", Detail: "batch 1", Values: []float64{0, 12.5, 100}},
		},
		Note: "A note that is long enough to be broken into two lines, since a line has room for no more than ninety-two characters.",
	}
}

func drawBars(t *testing.T, c GroupedBars) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteGroupedBars(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGroupedBarsGolden(t *testing.T) {
	got, path := drawBars(t, sampleChart()), filepath.Join("testdata", "grouped_bars.svg")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the chart differs from %s; if that is intended, run go test ./report/charts -update\n%s", path, got)
	}
}

// svgElement is an element with its attributes and its own text.
type svgElement struct {
	name, class, text string
	attributes        map[string]string
}

func (e svgElement) number(t *testing.T, attribute string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(e.attributes[attribute], 64)
	if err != nil {
		t.Fatalf("%s %v: %v", e.name, e.attributes, err)
	}
	return v
}

// parseSVG parses a document and fails the test if it is not well-formed.
func parseSVG(t *testing.T, document []byte) []svgElement {
	t.Helper()
	var elements []svgElement
	var open []int
	for d := xml.NewDecoder(bytes.NewReader(document)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return elements
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, document)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := svgElement{name: token.Name.Local, attributes: map[string]string{}}
			for _, a := range token.Attr {
				e.attributes[a.Name.Local] = a.Value
			}
			e.class = e.attributes["class"]
			open, elements = append(open, len(elements)), append(elements, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				elements[open[len(open)-1]].text += string(token)
			}
		}
	}
}

func TestGroupedBarsMatchTheAxis(t *testing.T) {
	for _, c := range []struct {
		name   string
		values [][]float64
	}{
		{"fractions", [][]float64{{0.03, 0.5}, {0.21, 0}}},
		{"hundreds", [][]float64{{204, 69.5}, {270.5, 48}}},
		{"thousands", [][]float64{{13822, 4707}}},
		{"a power of ten", [][]float64{{1000, 10}}},
		{"missing", [][]float64{{3, math.NaN()}, {math.NaN(), 7}}},
		{"all zero", [][]float64{{0, 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			chart := GroupedBars{Title: "t", Unit: "u", Series: []string{"a", "b"}}
			var want []float64
			for _, v := range c.values {
				chart.Groups = append(chart.Groups, BarGroup{Name: "g", Values: v})
				for _, v := range v {
					if !math.IsNaN(v) {
						want = append(want, v)
					}
				}
			}
			elements := parseSVG(t, drawBars(t, chart))
			var ticks []svgElement
			for _, e := range elements {
				if e.class == "tick" && e.text != chart.Unit {
					ticks = append(ticks, e)
				}
			}
			if len(ticks) < 2 || len(ticks) > axisTicks+1 {
				t.Fatalf("%d ticks, want 2 to %d", len(ticks), axisTicks+1)
			}
			first, last := ticks[0], ticks[len(ticks)-1]
			end, err := strconv.ParseFloat(strings.ReplaceAll(last.text, ",", ""), 64)
			if err != nil || first.text != "0" {
				t.Fatalf("the axis goes from %q to %q", first.text, last.text)
			}
			perPixel := end / (last.number(t, "x") - first.number(t, "x"))
			var got []float64
			for _, e := range elements {
				if strings.HasSuffix(e.class, " bar") {
					if x := e.number(t, "x"); x != first.number(t, "x") {
						t.Errorf("a bar starts at %v, the axis at %v", x, first.number(t, "x"))
					}
					got = append(got, e.number(t, "width")*perPixel)
				}
			}
			near := func(a, b float64) bool { return math.Abs(a-b) <= 0.006*perPixel } // positions have two decimals
			if !slices.EqualFunc(got, want, near) {
				t.Errorf("bars show %v, want %v", got, want)
			}
		})
	}
}

func TestGroupedBarsTexts(t *testing.T) {
	var texts []string
	for _, e := range parseSVG(t, drawBars(t, sampleChart())) {
		texts = append(texts, e.text)
	}
	for _, want := range []string{
		"Rates & <ratios>", "larger is better", "images per second", "ours", "theirs", "others", "first", "batch 1",
		"1,492.5 (2.0×)", "746.25", "0 (0.0×)", "12.5", "100",
		"Bar chart in images per second. first, batch 32: ours 1,492.5, theirs 746.25. second, batch 1: ours 0, theirs 12.5, others 100.",
	} {
		if !slices.Contains(texts, want) {
			t.Errorf("%q is not in the chart: %q", want, texts)
		}
	}
}

func TestGroupedBarsFit(t *testing.T) {
	chart := sampleChart()
	elements := parseSVG(t, drawBars(t, chart))
	height := elements[0].number(t, "height")
	for _, e := range elements[1:] {
		if e.attributes["y"] != "" && e.number(t, "y") > height {
			t.Errorf("%s %q lies below the chart of height %v", e.name, e.text, height)
		}
		if e.class == "note" && len([]rune(e.text)) > noteChars {
			t.Errorf("a line of the note has %d characters: %q", len([]rune(e.text)), e.text)
		}
	}
}

func TestGroupedBarsErrors(t *testing.T) {
	one := []BarGroup{{Name: "g", Values: []float64{1}}}
	for _, c := range []struct {
		name  string
		chart GroupedBars
		want  string
	}{
		{"no series", GroupedBars{Groups: one}, "0 series; must be 1 to 4"},
		{"too many series", GroupedBars{Series: make([]string, 5), Groups: one}, "5 series; must be 1 to 4"},
		{"no groups", GroupedBars{Series: []string{"a"}}, "no groups"},
		{"values missing", GroupedBars{Series: []string{"a", "b"}, Groups: one}, `group "g" has 1 values for 2 series`},
		{"negative", GroupedBars{Series: []string{"a"}, Groups: []BarGroup{{Name: "g", Values: []float64{-1}}}}, `group "g", series "a": -1; must be finite and at least 0`},
		{"infinite", GroupedBars{Series: []string{"a"}, Groups: []BarGroup{{Name: "g", Values: []float64{math.Inf(1)}}}}, "+Inf; must be finite and at least 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			err := WriteGroupedBars(&b, c.chart)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if b.Len() > 0 {
				t.Errorf("wrote %q", b.String())
			}
		})
	}
}

func TestGroupedBarsReportsAWriteError(t *testing.T) {
	if err := WriteGroupedBars(&failing{room: 100}, sampleChart()); !errors.Is(err, errWriter) {
		t.Errorf("error %v, want %v", err, errWriter)
	}
}

func TestAxisStep(t *testing.T) {
	for _, c := range []struct {
		largest, step float64
		steps         int
	}{
		{0, 1, 1}, {1, 0.2, 5}, {5, 1, 5}, {5.1, 2, 3}, {771, 200, 4}, {270.5, 100, 3}, {12, 2.5, 5}, {13822, 5000, 3}, {1000, 200, 5},
	} {
		step, steps := axisStep(c.largest)
		if math.Abs(step-c.step) > 1e-12 || steps != c.steps {
			t.Errorf("largest %v: %d steps of %v, want %d of %v", c.largest, steps, step, c.steps, c.step)
		}
	}
}

func TestThousands(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 69.5: "69.5", 999: "999", 1000: "1,000", 1492.25: "1,492.25", 1234567: "1,234,567", 0.1 + 0.2: "0.3"} {
		if got := grouped(v); got != want {
			t.Errorf("grouped(%v) = %q, want %q", v, got, want)
		}
	}
}
