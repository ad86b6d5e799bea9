package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"depthwise.dev/autograd"
)

// Cell is what a check found of one engine in one row.
type Cell struct {
	Engine   string  `json:"engine"`
	Relative float64 `json:"relative"`          // the largest difference of the row
	Bound    float64 `json:"bound"`             // what it may be
	Value    string  `json:"value,omitempty"`   // where it was found
	Left     string  `json:"left,omitempty"`    // why the engine did not compute this
	Error    string  `json:"error,omitempty"`   // why it failed
	Failed   bool    `json:"failed"`            // Error, or Relative out of bounds
	Measure  string  `json:"measure,omitempty"` // "angle" for 1 - cosine
}

// Row is a layer, or a whole network, with a cell for each engine.
type Row struct {
	Name  string `json:"name"`
	Cells []Cell `json:"engines"`
}

// Report is the outcome of a check, layers first.
type Report struct {
	Layers   []Row `json:"layers"`
	Networks []Row `json:"networks"`
}

// Failures names every cell that is out of bounds.
func (r Report) Failures() []string {
	var list []string
	for _, row := range append(slices.Clone(r.Layers), r.Networks...) {
		for _, c := range row.Cells {
			switch {
			case c.Error != "":
				list = append(list, fmt.Sprintf("%s, %s: %s", row.Name, c.Engine, c.Error))
			case c.Failed:
				list = append(list, fmt.Sprintf("%s, %s: %s differs by %.2g, more than %.2g", row.Name, c.Engine, c.Value, c.Relative, c.Bound))
			}
		}
	}
	return list
}

// Summary has a line for each engine with its greatest difference over all layers and whole networks.
func (r Report) Summary() []string {
	var list []string
	for _, group := range []struct {
		what string
		rows []Row
	}{{"layers", r.Layers}, {"whole networks", r.Networks}} {
		for i := range group.rows[0].Cells {
			var worst Cell
			for _, row := range group.rows {
				worst = worst.merge(row.Cells[i])
			}
			if worst.Value != "" {
				list = append(list, fmt.Sprintf("%s, %s: %.2g, allowed are %.2g (%s)",
					group.what, worst.Engine, worst.Relative, worst.Bound, worst.Value))
			}
		}
	}
	return list
}

// judge measures one engine's result. Of all values it keeps the one that is nearest to its bound, or beyond.
func judge(e Engine, bound func(Kind) float64, want Result, compute func() (Result, error),
	measure func(want, got Result) ([]Difference, error)) Cell {
	cell := Cell{Engine: e.Name}
	got, err := compute()
	var list []Difference
	if err == nil {
		list, err = measure(want, got)
	}
	if errors.Is(err, ErrNotWritten) {
		cell.Left = "not written for this engine"
		return cell
	}
	if err != nil {
		cell.Error, cell.Failed = err.Error(), true
		return cell
	}
	for _, d := range list {
		if b := bound(d.Kind); b > 0 {
			cell = cell.merge(Cell{Engine: e.Name, Value: d.Value, Relative: d.Relative, Bound: b, Failed: !(d.Relative <= b)})
		}
	}
	return cell
}

// merge keeps the worse of two cells of one engine.
func (c Cell) merge(other Cell) Cell {
	switch {
	case c.Error != "" || other.Engine == "":
		return c
	case other.Error != "" || c.Value == "" || other.Relative*c.Bound > c.Relative*other.Bound:
		return other
	}
	return c
}

// JudgeCase compares an engine with the reference on one case; want is the reference's result.
func JudgeCase(ctx context.Context, e Engine, c Case, want Result) Cell {
	if e.Case == nil {
		return Cell{Engine: e.Name, Left: "computes whole networks only"}
	}
	return judge(e, func(Kind) float64 { return e.Bound }, want, func() (Result, error) { return e.Case(ctx, c) }, Compare)
}

// JudgeNetwork compares an engine with the reference on a whole network.
func JudgeNetwork(ctx context.Context, e Engine, n Network, want Result) Cell {
	compute := func() (Result, error) { return e.Network(ctx, n) }
	switch {
	case e.Network == nil:
		return Cell{Engine: e.Name, Left: "computes single layers only"}
	case e.Limit > 0 && Activations(n.Config, len(n.Labels)) > e.Limit:
		return Cell{Engine: e.Name, Left: "would take gigabytes at this size; its layers are compared"}
	case e.Angles == nil:
		return judge(e, func(Kind) float64 { return e.NetworkBound }, want, compute, Compare)
	case n.tooFewValues(e):
		return Cell{Engine: e.Name, Left: tooFewValues}
	}
	cell := judge(e, func(k Kind) float64 { return e.Angles.bound(k, n.Mode) }, want, compute, CompareAngles)
	cell.Measure = "angle"
	return cell
}

// bound is that of a kind of values; 0 leaves it out.
func (a Angles) bound(k Kind, mode autograd.Mode) float64 {
	switch {
	case k != Gradient:
		return a.Output
	case mode == autograd.Training:
		return a.TrainingGradient
	}
	return a.Gradient
}

// CheckNetwork compares whole networks.
func CheckNetwork(ctx context.Context, n Network, engines []Engine) (Row, error) {
	row := Row{Name: "network, " + modeName(n.Mode)}
	want, err := Reference.Network(ctx, n)
	if err != nil {
		return row, err
	}
	for _, e := range engines {
		row.Cells = append(row.Cells, JudgeNetwork(ctx, e, n, want))
	}
	return row, ctx.Err()
}

// CheckLayers compares every layer of a network on its own: each engine is given the input and the gradient of the
// output that the reference computes. The rows are those of mobilenet's table, and the loss; tell is called for each.
func CheckLayers(ctx context.Context, n Network, engines []Engine, tell func(layer string)) ([]Row, error) {
	parts, err := n.Parts()
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, parts, n); err != nil {
		return nil, err
	}
	var rows []Row
	cotangent := []float64{1} // of the loss
	for i := len(parts) - 1; i >= 0; i-- {
		p := parts[i]
		p.Case.Cotangent = cotangent
		p.Case.Inputs[0].Array = Away(p.Case.Inputs[0].Array, kinkMargin, p.Case.Kinks...)
		if len(rows) == 0 || rows[len(rows)-1].Name != p.Layer {
			tell(p.Layer)
			rows = append(rows, Row{Name: p.Layer, Cells: make([]Cell, len(engines))})
		}
		want, err := Reference.Case(ctx, p.Case)
		if err != nil {
			return nil, err
		}
		cells := rows[len(rows)-1].Cells
		for j, e := range engines {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			cells[j] = cells[j].merge(n.judgePart(ctx, e, p, want))
		}
		x, ok := want.find(Gradient, p.Case.Inputs[0].Name)
		if !ok {
			return nil, errors.New("suite: the reference has no gradient of " + p.Case.Name)
		}
		cotangent = x.Data
		parts[i] = Part{} // its input is not needed any more
	}
	slices.Reverse(rows)
	return rows, nil
}

// kinkMargin is more than a difference step moves an element of a normalized layer.
const kinkMargin = 1e-4

// judgePart is JudgeCase with the part named.
func (n Network) judgePart(ctx context.Context, e Engine, p Part, want Result) Cell {
	if n.tooFewValues(e) {
		return Cell{Engine: e.Name, Left: tooFewValues}
	}
	cell := JudgeCase(ctx, e, p.Case, want)
	if cell.Value != "" {
		cell.Value = p.Case.Name + ": " + cell.Value
	}
	return cell
}

const tooFewValues = "batch normalization has too few values a channel for this precision"

// tooFewValues tells whether batch normalization amplifies the engine's rounding too much to compare it.
func (n Network) tooFewValues(e Engine) bool {
	return n.Mode == autograd.Training && e.Angles != nil && ValuesPerChannel(n.Config, len(n.Labels)) < e.Angles.FewestValues
}

// fill computes the first input of every part.
func fill(ctx context.Context, parts []Part, n Network) error {
	return autograd.Run(ctx, func(s *autograd.Scope) error {
		return s.NoGrad(func(s *autograd.Scope) error {
			x := n.Images
			for i := range parts {
				c := &parts[i].Case
				c.Inputs = slices.Clone(c.Inputs)
				c.Inputs[0].Array = x
				out, _, err := probe{scope: s, engine: reference, c: *c}.evaluate(c.Inputs)
				if err != nil {
					return fmt.Errorf("suite: %s: %w", c.Name, err)
				}
				x = out
			}
			return nil
		})
	})
}
