package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
)

// CompareCase compares an engine with the reference on one case; want is the reference's result.
func CompareCase(ctx context.Context, e Engine, c Case, want Result) Cell {
	if e.Case == nil {
		return Cell{Engine: e.Name, Left: "computes whole networks only"}
	}
	return e.compare(func(Kind) float64 { return e.Tolerance }, want, func() (Result, error) { return e.Case(ctx, c) }, Compare)
}

// CompareNetwork compares an engine with the reference on a whole network; want is the reference's
// result.
func CompareNetwork(ctx context.Context, e Engine, n Network, want Result) Cell {
	if reason := e.skips(n); reason != "" {
		return Cell{Engine: e.Name, Left: reason}
	}
	compute := func() (Result, error) { return e.Network(ctx, n) }
	if e.Angles == nil {
		return e.compare(func(Kind) float64 { return e.NetworkTolerance }, want, compute, Compare)
	}
	cell := e.compare(func(k Kind) float64 { return e.Angles.tolerance(k, n) }, want, compute, CompareAngles)
	cell.Measure = "angle"
	return cell
}

// skips returns the reason why the engine does not compute a whole network, "" if it does.
func (e Engine) skips(n Network) string {
	if e.Network == nil {
		return "computes single layers only"
	}
	if e.Supports != nil {
		if err := e.Supports(n.Graph); err != nil {
			return "not computed: " + err.Error()
		}
	}
	switch {
	case e.MaxActivations > 0 && Activations(n.Graph, len(n.Labels)) > e.MaxActivations:
		return "would need gigabytes of memory at this size; its layers are compared"
	case n.tooFewValues(e):
		return tooFewValues
	}
	return ""
}

// compare measures one result of the engine. The cell has the value whose difference is largest
// relative to its tolerance.
func (e Engine) compare(tolerance func(Kind) float64, want Result, compute func() (Result, error),
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
		if t := tolerance(d.Kind); t > 0 {
			cell = cell.merge(Cell{Engine: e.Name, Value: d.Value, Relative: d.Relative, Tolerance: t, Failed: !(d.Relative <= t)})
		}
	}
	return cell
}

// tolerance is that of a kind of values; 0 means that it is not compared.
func (a Angles) tolerance(k Kind, n Network) float64 {
	switch {
	case k != Gradient:
		return a.Output
	case n.Mode == autograd.Training:
		return a.TrainingGradient
	case minChannels(n.Graph) < a.MinChannels:
		return 0
	}
	return a.Gradient
}

const tooFewValues = "batch norm has too few values per channel for this precision"

// tooFewValues reports whether batch norm amplifies the engine's rounding too much to compare it.
func (n Network) tooFewValues(e Engine) bool {
	return n.Mode == autograd.Training && e.Angles != nil && ValuesPerChannel(n.Graph, len(n.Labels)) < e.Angles.MinValues
}

// CheckNetwork compares the engines on a whole network.
func CheckNetwork(ctx context.Context, n Network, engines []Engine) (Row, error) {
	row := Row{Name: "network, " + modeName(n.Mode)}
	want, err := Reference.Network(ctx, n)
	if err != nil {
		return row, err
	}
	for _, e := range engines {
		row.Cells = append(row.Cells, CompareNetwork(ctx, e, n, want))
	}
	return row, ctx.Err()
}

// CheckLayers compares the engines on every layer of a network: each engine gets the input and the
// gradient of the output that the reference computes. The rows are those of [Network.Rows]. It
// calls progress before each row, the last one first.
func CheckLayers(ctx context.Context, n Network, engines []Engine, progress func(row string)) ([]Row, error) {
	parts, err := n.Parts()
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, parts, n.Images); err != nil {
		return nil, err
	}
	var rows []Row
	gradients := make([][]float64, len(parts)) // of each part's output, the sum over the parts that read it
	gradients[len(parts)-1] = []float64{1}     // of the loss
	for i := len(parts) - 1; i >= 0; i-- {
		p := parts[i]
		p.Case.Cotangent = gradients[i]
		p.Case.Inputs[0].Array = p.Case.differentiable(p.Case.Inputs[0].Array)
		if len(rows) == 0 || rows[len(rows)-1].Name != p.Layer {
			progress(p.Layer)
			rows = append(rows, Row{Name: p.Layer, Cells: make([]Cell, len(engines))})
		}
		want, err := Reference.Case(ctx, p.Case)
		if err != nil {
			return nil, err
		}
		if err := n.comparePart(ctx, engines, p, want, rows[len(rows)-1].Cells); err != nil {
			return nil, err
		}
		if err := p.accumulate(gradients, want); err != nil {
			return nil, err
		}
		parts[i], gradients[i] = Part{}, nil // frees the memory of its inputs, which are not needed anymore
	}
	slices.Reverse(rows)
	return rows, nil
}

// comparePart merges the engines' results in a part into the cells of its row.
func (n Network) comparePart(ctx context.Context, engines []Engine, p Part, want Result, cells []Cell) error {
	for j, e := range engines {
		if err := ctx.Err(); err != nil {
			return err
		}
		cell := Cell{Engine: e.Name, Left: tooFewValues}
		if !n.tooFewValues(e) {
			cell = CompareCase(ctx, e, p.Case, want)
		}
		if cell.Value != "" {
			cell.Value = p.Case.Name + ": " + cell.Value
		}
		cells[j] = cells[j].merge(cell)
	}
	return nil
}

// accumulate adds the gradients of the part's inputs to those of the parts that it reads.
func (p Part) accumulate(gradients [][]float64, want Result) error {
	for i, place := range p.Reads {
		if place == imagesIndex {
			continue
		}
		x, ok := want.find(Gradient, p.Case.Inputs[i].Name)
		if !ok {
			return fmt.Errorf("suite: %s: the reference has no gradient of %s", p.Case.Name, p.Case.Inputs[i].Name)
		}
		if gradients[place] == nil {
			gradients[place] = x.Data
			continue
		}
		for j, v := range x.Data {
			gradients[place][j] += v
		}
	}
	return nil
}

// fill computes the inputs of every part that are outputs of others.
func fill(ctx context.Context, parts []Part, images oracle.Array) error {
	return autograd.Run(ctx, func(s *autograd.Scope) error {
		return s.NoGrad(func(s *autograd.Scope) error {
			outputs := make([]oracle.Array, len(parts))
			for i, p := range parts {
				inputs := slices.Clone(p.Case.Inputs)
				for j, place := range p.Reads {
					inputs[j].Array = images
					if place != imagesIndex {
						inputs[j].Array = outputs[place]
					}
				}
				parts[i].Case.Inputs = inputs
				var err error
				if outputs[i], _, err = (probe{scope: s, engine: reference, c: p.Case}).evaluate(inputs); err != nil {
					return fmt.Errorf("suite: %s: %w", p.Case.Name, err)
				}
			}
			return nil
		})
	})
}
