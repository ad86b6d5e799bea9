package peers

import (
	"fmt"
	"strings"

	"depthwise.dev/checkpoints"
	"depthwise.dev/models"
)

// MisfitError lists how the arrays of a file differ from those of a network. It is an [ErrMisfit].
type MisfitError struct {
	summary, table string
}

// Error is a summary and the table.
func (e *MisfitError) Error() string { return e.summary + "\n" + strings.TrimSuffix(e.table, "\n") }

// Table has a line for each difference, about 20 at most, and ends with a newline.
func (e *MisfitError) Table() string { return e.table }

// Unwrap returns [ErrMisfit].
func (e *MisfitError) Unwrap() error { return ErrMisfit }

// error describes the differences from a network.
func (d *misfit) error(network string) *MisfitError {
	return &MisfitError{
		summary: fmt.Sprintf("%v: %s: %d missing, %d unexpected, %d of another shape", ErrMisfit, network, len(d.missing), len(d.unexpected), len(d.shapes)),
		table:   d.table(),
	}
}

// misfit lists the differences between a network and a file.
type misfit struct{ missing, unexpected, shapes []row }

// row is an array with its shape.
type row struct{ name, shape string }

func (d *misfit) count() int { return len(d.missing) + len(d.unexpected) + len(d.shapes) }

// maxRows bounds the table of a message.
const maxRows = 20

// table lists the differences, at most maxRows.
func (d *misfit) table() string {
	var b strings.Builder
	shown := 0
	for _, group := range []struct {
		what string
		rows []row
	}{{"missing", d.missing}, {"unexpected", d.unexpected}, {"shape", d.shapes}} {
		for i, r := range group.rows {
			// Each group has some rows, however many the ones before it have.
			if shown >= maxRows || i >= maxRows/2 && len(group.rows) < d.count() {
				fmt.Fprintf(&b, "  %-10s and %d more\n", group.what, len(group.rows)-i)
				break
			}
			fmt.Fprintf(&b, "  %-10s %s %s\n", group.what, r.name, r.shape)
			shown++
		}
	}
	return b.String()
}

// shapeText is a shape as Python prints it.
func shapeText(shape []int) string {
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]")
	return "(" + text + ")"
}

// Check compares arrays that have the graph's own names and layouts with the graph. The error is a *[MisfitError].
// PyTorch's counters are left out.
func Check(g *models.Graph, arrays []checkpoints.Array) error {
	var own []named
	for _, a := range arrays {
		if !Ignored(a.Name) {
			own = append(own, named{a.Name, Array{Name: a.Name, Shape: a.Data.Shape()}})
		}
	}
	m := match{candidate: candidate{scheme: &schemes[0]}, graph: g} // timm's names are the graph's own
	if d := m.compare(own); d != nil {
		return d.error(g.String())
	}
	return nil
}
