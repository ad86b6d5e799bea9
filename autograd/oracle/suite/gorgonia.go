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

// Case computes a case forward and backward. A panic becomes an error.
func (Gorgonia) Case(ctx context.Context, c Case) (r Result, err error) {
	defer recovered(c.Name, &err)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.Gorgonia == nil {
		return nil, ErrNotWritten
	}
	g := oracle.NewGraph()
	outputs, err := build(c, g, leaves(g, c.Inputs))
	if err != nil {
		return nil, fmt.Errorf("suite: %s: gorgonia: %w", c.Name, err)
	}
	computed, err := g.Compute(outputs, c.cotangent(outputs[0].Shape().TotalSize()))
	if err != nil {
		return nil, fmt.Errorf("suite: %s: gorgonia: %w", c.Name, err)
	}
	r = Result{{Kind: Output, Array: computed.Outputs[0]}}
	return append(r, named(c.Inputs, computed.Outputs[1:], computed.Gradients)...), nil
}

// Network computes the task as the sequence of its parts. A panic becomes an error.
func (Gorgonia) Network(ctx context.Context, n Network) (r Result, err error) {
	defer recovered(n.String(), &err)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	parts, err := n.Parts()
	if err != nil {
		return nil, err
	}
	g := oracle.NewGraph()
	nodes, running, err := networkNodes(g, n.Images, parts)
	if err != nil {
		return nil, fmt.Errorf("suite: %v: gorgonia: %w", n, err)
	}
	logits, loss := nodes[len(nodes)-2], nodes[len(nodes)-1]
	computed, err := g.Compute(append([]*oracle.Node{loss, logits}, running...), []float64{1})
	if err != nil {
		return nil, fmt.Errorf("suite: %v: gorgonia: %w", n, err)
	}
	r = Result{
		{Name: "loss", Kind: Output, Array: computed.Outputs[0]},
		{Name: "logits", Kind: Output, Array: computed.Outputs[1]},
		{Name: "images", Kind: Gradient, Array: computed.Gradients[0]},
	}
	return append(r, named(n.arrays(), computed.Outputs[2:], computed.Gradients[1:])...), nil
}

// recovered turns a panic into an error.
func recovered(what string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("suite: %s: gorgonia panicked: %v", what, p)
	}
}

// leaves adds inputs to the graph, running statistics as constants.
func leaves(g *oracle.Graph, inputs []Input) []*oracle.Node {
	nodes := make([]*oracle.Node, len(inputs))
	for i, input := range inputs {
		if input.Running {
			nodes[i] = g.Constant(input.Array)
		} else {
			nodes[i] = g.Input(input.Array)
		}
	}
	return nodes
}

// build adds the case to the graph.
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

// named returns the statistics and gradients of inputs, which are in their order.
func named(inputs []Input, statistics, gradients []oracle.Array) Result {
	var r Result
	for _, in := range inputs {
		if in.Running {
			r = append(r, Value{Name: in.Name, Kind: Statistic, Array: statistics[0]})
			statistics = statistics[1:]
		} else {
			r = append(r, Value{Name: in.Name, Kind: Gradient, Array: gradients[0], ScaleFrom: in.ScaleFrom})
			gradients = gradients[1:]
		}
	}
	return r
}
