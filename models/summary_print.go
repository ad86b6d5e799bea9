package models

import (
	"fmt"
	"strconv"
	"strings"
)

// Widths of the printed columns, as Keras spaces them. The first one grows with long names.
const (
	nameColumn   = 40
	shapeColumn  = 24
	paramsColumn = 12
	addsColumn   = 16
)

// String prints the summary as Keras does.
func (s Summary) String() string {
	var b strings.Builder
	width := nameColumn
	for _, r := range s.Rows {
		width = max(width, len(r.title())+1)
	}
	line := width + shapeColumn + paramsColumn + addsColumn
	thin, thick := strings.Repeat("_", line), strings.Repeat("=", line)
	fmt.Fprintf(&b, "Model: %s, input %v, %d classes\n", s.Model, s.Input, s.Classes)
	fmt.Fprintf(&b, "%s\n", thin)
	printRow(&b, width, "Layer (type)", "Output Shape", "Param #", "Multiply-adds")
	fmt.Fprintf(&b, "%s\n", thick)
	for _, r := range s.Rows {
		printRow(&b, width, r.title(), shapeString(r.Output), grouped(r.Params), grouped(r.MultiplyAdds))
	}
	fmt.Fprintf(&b, "%s\n%s%s\n", thick, s.Totals(), thin)
	return b.String()
}

// Totals prints the last lines of the summary: the parameters and multiply-adds of the whole network.
func (s Summary) Totals() string {
	return fmt.Sprintf("Total params: %s\nTrainable params: %s\nNon-trainable params: %s\nMultiply-adds per image: %s (%.1f million)\n",
		grouped(s.Params), grouped(s.Trainable), grouped(s.NonTrainable), grouped(s.MultiplyAdds), float64(s.MultiplyAdds)/1e6)
}

func (r SummaryRow) title() string { return r.Name + " (" + r.Type + ")" }

func printRow(b *strings.Builder, width int, name, shape, params, multiplyAdds string) {
	fmt.Fprintf(b, "%-*s%-*s%*s%*s\n", width, name, shapeColumn, shape, paramsColumn, params, addsColumn, multiplyAdds)
}

// shapeString writes a shape with Keras's open batch dimension: (None, 7, 7, 1024).
func shapeString(shape []int) string {
	b := "(None"
	for _, d := range shape {
		b += ", " + strconv.Itoa(d)
	}
	return b + ")"
}

// grouped writes a count with commas: 4,253,864.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
