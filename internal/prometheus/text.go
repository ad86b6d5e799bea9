package prometheus

import (
	"io"
	"math"
	"strconv"
	"strings"
)

// ContentType is that of the text format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Kinds of families.
const (
	KindCounter   = "counter"
	KindGauge     = "gauge"
	KindHistogram = "histogram"
)

// Label is a name and value of a sample.
type Label struct{ Name, Value string }

// Text collects families of samples.
type Text struct{ b strings.Builder }

// Family begins a family: the samples of its name follow.
func (t *Text) Family(name, kind, help string) {
	help = strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(help)
	t.b.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n")
}

// Sample adds a sample of the last family.
func (t *Text) Sample(name string, value float64, labels ...Label) {
	t.b.WriteString(name)
	for i, l := range labels {
		t.b.WriteString([]string{"{", ","}[min(i, 1)] + l.Name + `="` + escape.Replace(l.Value) + `"`)
	}
	if len(labels) > 0 {
		t.b.WriteByte('}')
	}
	t.b.WriteString(" " + number(value) + "\n")
}

// Single adds a family of one sample without labels.
func (t *Text) Single(name, kind, help string, value float64) {
	t.Family(name, kind, help)
	t.Sample(name, value)
}

// WriteTo writes the families.
func (t *Text) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, t.b.String())
	return int64(n), err
}

// escape is how values of labels are written.
var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func number(x float64) string {
	switch {
	case math.IsInf(x, 1):
		return "+Inf"
	case math.IsInf(x, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}
