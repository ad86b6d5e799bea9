package charts

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
)

var errWriter = errors.New("write failed")

// failing accepts room bytes and then fails.
type failing struct{ room int }

func (f *failing) Write(b []byte) (int, error) {
	n := min(len(b), f.room)
	f.room -= n
	if n < len(b) {
		return n, errWriter
	}
	return n, nil
}

// samples has every kind of chart with awkward values.
func samples() map[string]Chart {
	nan := math.NaN()
	names := []string{"a & b", "<c>", "a long name of a class that does not fit anywhere at all"}
	return map[string]Chart{
		"lines": Lines{Title: "Loss & <error>", X: Axis{Label: "epoch", Whole: true}, Y: Axis{Label: "cross entropy"}, Marks: []Mark{{2, "best"}, {2.1, "next to it"}}, Series: []LineSeries{
			{Name: "steps", X: []float64{0, 1, 2, 3}, Y: []float64{3, 2.5, nan, 2}, Faint: true}, {Name: "epochs", X: []float64{1, 2, 3}, Y: []float64{3, 2, 1}, Color: OwnColor},
			{Name: "dashed", X: []float64{1, 3}, Y: []float64{1, 2}, Color: OwnColor, Dashed: true}}},
		"lines, logarithmic": Lines{Title: "rates", Y: Axis{Log: true}, Series: []LineSeries{{Name: "r", X: []float64{1, 2, 3, 4}, Y: []float64{1e-5, 0, 1e-2, -1}}}},
		"lines, an outlier":  Lines{Title: "Loss", Y: Axis{Label: "loss", Robust: true}, Series: []LineSeries{{Name: "a", X: []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, Y: []float64{3, 59.5, 2.5, 2.4, 2.3, 2.2, 2, 1.9, 1.8, 1.7, 1.6}}}},
		"lines, one point":   Lines{Title: "one", Series: []LineSeries{{Name: "r", X: []float64{1}, Y: []float64{5}}}},
		"lines, nothing":     Lines{Title: "none", Empty: "nothing yet"},
		"bars":               Bars{Title: "norms", Note: "of layers", Axis: Axis{Label: "L2", Log: true}, Low: 1e-4, High: 1e-2, Bars: []Bar{{"a", 1e-3}, {"<b>", nan}, {"c", 0}, {"d", math.Inf(1)}}},
		"bars, both signs":   Bars{Title: "means", Bars: []Bar{{"a", -1}, {"b", 3}}},
		"bars, nothing":      Bars{Title: "none"},
		"matrix":             Matrix{Title: "confusion", RowLabel: "class", ColumnLabel: "predicted", Names: names, Counts: [][]int{{5, 0, 1}, {0, 0, 0}, {2, 1, 9}}},
		"matrix, large":      largeMatrix(1000),
		"matrix, nothing":    Matrix{Title: "none"},
		"reliability":        Reliability{Title: "calibration", ECE: 0.1, Bins: []ReliabilityBin{{}, {Images: 10, Confidence: 0.6, Accuracy: 0.4}, {Images: 30, Confidence: 0.9, Accuracy: 0.95}}},
		"reliability, none":  Reliability{Title: "none", Bins: make([]ReliabilityBin, 15)},
		"roofline":           testRoofline(),
		"grid":               Grid{Title: "all", Charts: []Chart{Lines{Title: "a"}, Lines{Title: "b"}, Bars{Title: "c"}}},
	}
}

func largeMatrix(classes int) Matrix {
	m := Matrix{Title: "many", Counts: make([][]int, classes)}
	for i := range m.Counts {
		m.Names = append(m.Names, fmt.Sprint("class ", i))
		m.Counts[i] = make([]int, classes)
		m.Counts[i][i], m.Counts[i][(i*7+1)%classes] = 40, 10
	}
	return m
}

// TestCharts: each chart is a well-formed SVG and a PNG of its size, with everything inside.
func TestCharts(t *testing.T) {
	for name, c := range samples() {
		t.Run(name, func(t *testing.T) {
			var svg, raster bytes.Buffer
			if err := errors.Join(WriteSVG(&svg, c), WritePNG(&raster, c)); err != nil {
				t.Fatal(err)
			}
			elements := parseSVG(t, svg.Bytes())
			width, height := elements[0].number(t, "width"), elements[0].number(t, "height")
			picture, err := png.Decode(&raster)
			if err != nil {
				t.Fatal(err)
			}
			if size := picture.Bounds().Size(); size != image.Pt(int(math.Ceil(2*width)), int(math.Ceil(2*height))) {
				t.Errorf("the PNG has %v, the SVG %v x %v", size, width, height)
			}
			if elements[0].attributes["role"] != "img" || !strings.Contains(elements[0].attributes["aria-label"], ". ") {
				t.Errorf("no description: %v", elements[0].attributes)
			}
			checkInside(t, elements, width, height)
			for _, wrong := range []string{"NaN\"", "Inf\"", "http://", "https://", "url("} {
				if rest := strings.Replace(svg.String(), "http://www.w3.org/2000/svg", "", 1); strings.Contains(rest, wrong) {
					t.Errorf("the chart contains %s", wrong)
				}
			}
		})
	}
}

// checkInside checks that the texts are inside a chart.
func checkInside(t *testing.T, elements []svgElement, width, height float64) {
	t.Helper()
	for _, e := range elements {
		if e.name != "text" {
			continue
		}
		x, y, w := e.number(t, "x"), e.number(t, "y"), textWidth(e.text, e.number(t, "font-size"), false)
		left := map[string]float64{"": x, "middle": x - w/2, "end": x - w}[e.attributes["text-anchor"]]
		if e.attributes["transform"] != "" {
			left, w = x, 0
		}
		if left < -1 || left+w > width+1 || y < 0 || y > height {
			t.Errorf("%q is at %v to %v, %v, outside of %v x %v", e.text, left, left+w, y, width, height)
		}
	}
}

// TestGolden: charts as they were looked at.
func TestGolden(t *testing.T) {
	for name, c := range map[string]Chart{"lines.svg": samples()["lines"], "bars.svg": samples()["bars"], "matrix.svg": samples()["matrix"], "reliability.svg": samples()["reliability"]} {
		var b bytes.Buffer
		if err := WriteSVG(&b, c); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("the chart differs from %s; if that is intended, look at it and run go test ./report/charts -update\n%s", path, b.Bytes())
		}
	}
}

func TestScales(t *testing.T) {
	texts := func(list []tick) (s []string) {
		for _, x := range list {
			s = append(s, x.text)
		}
		return s
	}
	for _, c := range []struct {
		name   string
		axis   Axis
		values []float64
		count  int
		want   string
	}{
		{"nothing", Axis{}, nil, 5, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{"zero", Axis{}, []float64{0}, 5, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{"one value", Axis{}, []float64{4}, 4, "2 3 4 5 6"},
		{"not finite", Axis{}, []float64{math.NaN(), 1, math.Inf(1), 3}, 4, "1.0 1.5 2.0 2.5 3.0"},
		{"both signs", Axis{}, []float64{-1, 3}, 4, "-1 0 1 2 3"},
		{"from zero", Axis{Zero: true}, []float64{180, 230}, 5, "0 50 100 150 200 250"},
		{"small", Axis{Zero: true}, []float64{5e-5}, 5, "0.00000 1e-5 2e-5 3e-5 4e-5 5e-5"},
		{"thousands", Axis{Zero: true}, []float64{5000}, 5, "0 1,000 2,000 3,000 4,000 5,000"},
		{"quarters", Axis{}, []float64{0, 10}, 4, "0.0 2.5 5.0 7.5 10.0"},
		{"percent", Axis{Percent: true}, []float64{0.125, 0.983}, 5, "0% 20% 40% 60% 80% 100%"},
		{"all percent", Axis{Percent: true}, []float64{0.99, 1}, 4, "99.00% 99.25% 99.50% 99.75% 100.00%"},
		{"epochs", Axis{Whole: true, Max: 3}, nil, 7, "0 1 2 3"},
		{"many epochs", Axis{Whole: true, Max: 90}, nil, 7, "0 20 40 60 80"},
		{"one epoch", Axis{Whole: true, Max: 1}, nil, 7, "0 1"},
		{"powers", Axis{Log: true}, []float64{2e-4, 7}, 6, "0.0001 0.001 0.01 0.1 1 10"},
		{"two powers", Axis{Log: true}, []float64{1, 90}, 6, "1 2 5 10 20 50 100"},
		{"many powers", Axis{Log: true}, []float64{1e-12, 1}, 4, "1e-12 1e-9 1e-6 0.001 1"},
		{"nothing above 0", Axis{Log: true}, []float64{0, -2, math.NaN()}, 4, "0.1 0.2 0.5 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, ticks := c.axis.scale(c.values, 100, 500, c.count)
			if got := strings.Join(texts(ticks), " "); got != c.want {
				t.Errorf("ticks %q, want %q", got, c.want)
			}
			for _, x := range ticks {
				if at, ok := s.position(x.value); !ok || at < 99.999 || at > 500.001 {
					t.Errorf("the tick %s is at %v", x.text, at)
				}
			}
			for _, v := range c.values {
				if at, ok := s.position(v); ok && (at < 99.999 || at > 500.001) {
					t.Errorf("the value %v is at %v", v, at)
				}
			}
		})
	}
}

// TestRobust: an outlier does not decide the axis, and a note names it.
func TestRobust(t *testing.T) {
	var b bytes.Buffer
	if err := WriteSVG(&b, samples()["lines, an outlier"]); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range parseSVG(t, b.Bytes()) {
		texts = append(texts, e.text)
	}
	if !slices.Contains(texts, "the largest value, 59.5, is cut off") || !slices.Contains(texts, "3.0") || slices.Contains(texts, "60") {
		t.Errorf("texts %q", texts)
	}
	for name, values := range map[string][]float64{"few": {1, 1, 100}, "no outlier": {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, "zeros": {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}} {
		if limit := (Axis{Robust: true}).limit(values); !math.IsInf(limit, 1) {
			t.Errorf("%s: limit %v", name, limit)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1", 0.012345: "0.0123", 1490.4: "1,490", 123456: "123,456", 2.5e-5: "2.5e-5", 1e-10: "1e-10", 3e12: "3e12", -0.5: "-0.5", 1e7: "1e7", 100: "100"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
}

// TestMatrixPicture: of many classes each cell of the picture is the largest of its group, and the diagonal has its own color.
func TestMatrixPicture(t *testing.T) {
	m := largeMatrix(1000)
	s, err := m.draw()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.shapes, func(x shape) bool { return x.kind == picture })
	if i < 0 {
		t.Fatal("no picture")
	}
	p := s.shapes[i].image
	if p.Bounds().Dx() != 250 {
		t.Fatalf("%d cells", p.Bounds().Dx())
	}
	diagonal := paint{accent, shade(0.8)}.light()
	for i := range 250 {
		if p.NRGBAAt(i, i) != diagonal {
			t.Fatalf("cell %d of the diagonal is %v", i, p.NRGBAAt(i, i))
		}
	}
	if p.NRGBAAt(0, 100).A != 0 && p.NRGBAAt(100, 0).A != 0 {
		t.Error("a cell without images has a color")
	}
	other := paint{firstSeries + 1, shade(0.2)}.light()
	if at := p.NRGBAAt(71/4, 10/4); at != other {
		t.Errorf("a mistake is %v, want %v", at, other)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name, want string
		chart      Chart
	}{
		{"lengths", `"t": series "s" has 1 values of x and 2 of y`, Lines{Title: "t", Series: []LineSeries{{Name: "s", X: []float64{1}, Y: []float64{1, 2}}}}},
		{"names", `0 names of 1 classes`, Matrix{Counts: [][]int{{1}}}},
		{"not square", `a row of 2 cells in a matrix of 1 classes`, Matrix{Names: []string{"a"}, Counts: [][]int{{1, 2}}}},
		{"in a grid", `series "s"`, Grid{Charts: []Chart{Lines{Series: []LineSeries{{Name: "s", X: []float64{1}}}}}}},
		{"too large", "too many for a picture", Lines{Width: 9000, Height: 10}},
	} {
		if err := WritePNG(&bytes.Buffer{}, c.chart); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	for name, write := range map[string]func() error{"SVG": func() error { return WriteSVG(&failing{room: 10}, Lines{}) }, "PNG": func() error { return WritePNG(&failing{room: 10}, Lines{}) }} {
		if err := write(); !errors.Is(err, errWriter) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestContrast: text and lines have the contrast with their background that WCAG 2.2 asks for, 4.5 and 3.
func TestContrast(t *testing.T) {
	luminance := func(hex string) float64 {
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			var n int
			if _, err := fmt.Sscanf(hex[1+2*i:3+2*i], "%02x", &n); err != nil {
				t.Fatal(hex)
			}
			v := float64(n) / 255
			if v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			sum += weight * v
		}
		return sum
	}
	contrast := func(a, b string) float64 {
		x, y := luminance(a), luminance(b)
		return (max(x, y) + 0.05) / (min(x, y) + 0.05)
	}
	for i := int(ink); i < len(palette); i++ {
		p, need := palette[i], 3.0
		switch role(i) {
		case grid, surface, good:
			continue
		case ink, muted, bad:
			need = 4.5
		}
		if a, b := contrast(p.light, palette[surface].light), contrast(p.dark, palette[surface].dark); a < need || b < need {
			t.Errorf("%s has a contrast of %.1f on light and %.1f on dark, want %.1f", p.name, a, b, need)
		}
	}
	if len(palette) != int(firstSeries)+Series {
		t.Errorf("%d colors", len(palette))
	}
}

// TestFont: the fonts are there, and widths are those of the font.
func TestFont(t *testing.T) {
	if _, err := opentype.Parse(goregular.TTF); err != nil || fonts()[0] == nil || fonts()[1] == nil {
		t.Fatal(err)
	}
	if w := textWidth("iiii", 10, false); !(w > 5 && w < 15) || textWidth("WWWW", 10, false) < 2*w || textWidth("世界", 10, false) != 12 {
		t.Errorf("widths %v, %v, %v", w, textWidth("WWWW", 10, false), textWidth("世界", 10, false))
	}
	if got := fit("a name of a class", 10, 40); !strings.HasSuffix(got, "…") || textWidth(got, 10, false) > 40 {
		t.Errorf("shortened to %q", got)
	}
}

func countColor(m image.Image, p paint) int {
	r, g, b, _ := p.light().RGBA()
	n := 0
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			if a, c, d, _ := m.At(x, y).RGBA(); a == r && c == g && d == b {
				n++
			}
		}
	}
	return n
}
