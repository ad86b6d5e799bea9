package suite

import (
	"context"
	"errors"
	"fmt"

	"depthwise.dev/autograd/oracle"
)

// ErrNotWritten is returned by an engine for a case that is not written for it.
var ErrNotWritten = errors.New("suite: the case is not written for this engine")

// Gorgonia computes with package oracle, in float64. Its zero value is ready.
type Gorgonia struct{}

// Case computes a case forward and backward. A panic in between is an error.
func (Gorgonia) Case(ctx context.Context, c Case) (r Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("suite: %s: gorgonia panicked: %v", c.Name, p)
		}
	}()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.Gorgonia == nil {
		return nil, ErrNotWritten
	}
	g := oracle.NewGraph()
	in := make([]*oracle.Node, len(c.Inputs))
	for i, input := range c.Inputs {
		if input.Running {
			in[i] = g.Constant(input.Array)
		} else {
			in[i] = g.Input(input.Array)
		}
	}
	outputs, err := build(c, g, in)
	if err != nil {
		return nil, fmt.Errorf("suite: %s: gorgonia: %w", c.Name, err)
	}
	computed, err := g.Compute(outputs, c.cotangent(outputs[0].Shape().TotalSize()))
	if err != nil {
		return nil, fmt.Errorf("suite: %s: gorgonia: %w", c.Name, err)
	}
	r = Result{{Kind: Output, Array: computed.Outputs[0]}}
	statistics, gradients := computed.Outputs[1:], computed.Gradients
	for _, input := range c.Inputs {
		if input.Running {
			r = append(r, Value{Name: input.Name, Kind: Statistic, Array: statistics[0]})
			statistics = statistics[1:]
		} else {
			r = append(r, Value{Name: input.Name, Kind: Gradient, Array: gradients[0], Like: input.Like})
			gradients = gradients[1:]
		}
	}
	return r, nil
}

// build makes the case's graph.
func build(c Case, g *oracle.Graph, in []*oracle.Node) ([]*oracle.Node, error) {
	outputs := c.Gorgonia(g, in)
	if g.Err() != nil {
		return nil, g.Err()
	}
	want := 1
	for _, input := range c.Inputs {
		if input.Running {
			want++
		}
	}
	if len(outputs) != want {
		return nil, fmt.Errorf("the case returns %d nodes, want the output and %d running inputs", len(outputs), want-1)
	}
	return outputs, nil
}
