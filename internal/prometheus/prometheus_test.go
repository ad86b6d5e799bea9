package prometheus

import (
	"math"
	"strings"
	"testing"
)

// TestText: the whole text, as in Prometheus' description of the format.
func TestText(t *testing.T) {
	requests := NewCounters("requests_total", "Requests.", "route", "code")
	requests.With("/b", "200").Inc()
	requests.With("/a", "500").Inc()
	requests.With("/b", "200").Inc()
	seconds := NewHistograms("seconds", "Time.", []float64{0.5, 1}, "route")
	for _, x := range []float64{0.25, 0.5, 0.75, 1, 3} { // a bound counts the values that equal it
		seconds.With("/a").Observe(x)
	}
	var text Text
	requests.Write(&text)
	seconds.Write(&text)
	NewCounters("none_total", "Never.", "x").Write(&text)
	text.Single("up", KindGauge, "A \\ and\na line.", math.Inf(1))
	text.Family("info", KindGauge, "Labels.")
	text.Sample("info", 1, Label{"name", "a\"b\\c\nd"})
	var b strings.Builder
	if _, err := text.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	const want = `# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{route="/a",code="500"} 1
requests_total{route="/b",code="200"} 2
# HELP seconds Time.
# TYPE seconds histogram
seconds_bucket{route="/a",le="0.5"} 2
seconds_bucket{route="/a",le="1"} 4
seconds_bucket{route="/a",le="+Inf"} 5
seconds_sum{route="/a"} 5.5
seconds_count{route="/a"} 5
# HELP up A \\ and\na line.
# TYPE up gauge
up +Inf
# HELP info Labels.
# TYPE info gauge
info{name="a\"b\\c\nd"} 1
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
