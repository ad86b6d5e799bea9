package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestBarScale(t *testing.T) {
	for _, c := range []struct {
		name  string
		chart BarChart
		from  []float64 // of each bar
		long  []float64
		axis  string
	}{
		{"linear from zero", BarChart{Bars: []Bar{{"a", 1}, {"b", 4}, {"c", 0}}}, []float64{0, 0, 0}, []float64{120, 480, 0}, "from 0 to 4"},
		{"both signs", BarChart{Bars: []Bar{{"a", -1}, {"b", 3}}}, []float64{0, 120}, []float64{120, 360}, "from -1 to 3"},
		{"logarithmic", BarChart{Log: true, Bars: []Bar{{"a", 1e-3}, {"b", 1e-1}, {"c", 10}, {"d", 0}, {"e", -1}}},
			[]float64{0, 0, 0, 0, 0}, []float64{0, 240, 480, 0, 0}, "from 1e-03 to 1e+01, logarithmic"},
		{"one value", BarChart{Log: true, Bars: []Bar{{"a", 1}}}, []float64{0}, []float64{0}, "from 1e+00 to 1e+01, logarithmic"},
		{"zero", BarChart{Bars: []Bar{{"a", 0}}}, []float64{0}, []float64{0}, "from 0 to 1"},
		{"not finite", BarChart{Bars: []Bar{{"a", math.NaN()}, {"b", math.Inf(1)}, {"c", 2}}}, []float64{0, 0, 0}, []float64{0, 0, 480}, "from 0 to 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i, row := range c.chart.Rows() {
				if row.From != c.from[i] || row.Len != c.long[i] {
					t.Errorf("bar %d starts at %v with length %v, want %v and %v", i, row.From, row.Len, c.from[i], c.long[i])
				}
			}
			if axis := c.chart.Axis(); axis != c.axis {
				t.Errorf("axis %q, want %q", axis, c.axis)
			}
		})
	}
	band := BarChart{Log: true, Bars: []Bar{{"a", 1}}, Low: 1e-4, High: 1e-2}.Band()
	if len(band) != 2 || band[0] != 0 || band[1] != 240 {
		t.Errorf("band %v, want [0 240]", band)
	}
}

// TestWriteBars checks that names are escaped, that non-finite values are shown, and that the page
// is self-contained.
func TestWriteBars(t *testing.T) {
	var b strings.Builder
	err := WriteBars(&b, BarPage{Title: "a <b>", Facts: []string{"1 & 2"}, Charts: []BarChart{
		{Title: "c", Bars: []Bar{{"<script>", 1}, {"nan", math.NaN()}}, High: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"<h1>a &lt;b&gt;</h1>", "<p>1 &amp; 2</p>", "&lt;script&gt;", `class="bad" x="490" y="25">NaN`, `class="band"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not contain %s:\n%s", want, page)
		}
	}
	for _, foreign := range []string{"<script", "http", "src=", "href", "@import", "ZgotmplZ"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page contains %s", foreign)
		}
	}
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
	}
	if err := WriteBars(failingWriter{}, BarPage{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("error %v", err)
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
