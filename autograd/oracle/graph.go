package oracle

import (
	"fmt"

	"gorgonia.org/gorgonia"
)

// Node is a value of a gorgonia graph.
type Node = gorgonia.Node

// A Graph is a function under construction. It keeps its first error: later operations return nil
// and do nothing, and [Graph.Compute] returns the error.
type Graph struct {
	g      *gorgonia.ExprGraph
	err    error
	inputs []*Node
	values int // number of inputs and constants, which need unique names
}

// NewGraph returns an empty graph.
func NewGraph() *Graph { return &Graph{g: gorgonia.NewGraph()} }

// Err returns the first error.
func (g *Graph) Err() error { return g.err }

// Fail makes err the graph's error unless it has one.
func (g *Graph) Fail(err error) {
	if g.err == nil {
		g.err = err
	}
}

// Input adds an array whose gradient Compute returns.
func (g *Graph) Input(a Array) *Node {
	n := g.leaf("input", a)
	g.inputs = append(g.inputs, n)
	return n
}

// Constant adds an array that has no gradient.
func (g *Graph) Constant(a Array) *Node { return g.leaf("constant", a) }

// full is a constant matrix of one value.
func (g *Graph) full(v float64, rows, columns int) *Node {
	return g.Constant(Full(v, int64(rows), int64(columns)))
}

func (g *Graph) leaf(kind string, a Array) *Node {
	g.values++
	name := fmt.Sprintf("%s %d", kind, g.values)
	return g.apply(name, nil, func() (*Node, error) {
		value, err := a.dense()
		if err != nil {
			return nil, err
		}
		return gorgonia.NewTensor(g.g, gorgonia.Float64, value.Dims(), gorgonia.WithName(name),
			gorgonia.WithShape(value.Shape()...), gorgonia.WithValue(value)), nil
	})
}

// apply adds a node. A panic of gorgonia's becomes the graph's error.
func (g *Graph) apply(what string, in []*Node, f func() (*Node, error)) (n *Node) {
	for i, node := range in {
		if node == nil {
			g.Fail(fmt.Errorf("oracle: %s: input %d is nil", what, i))
		}
	}
	if g.err != nil {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			g.Fail(fmt.Errorf("oracle: %s: gorgonia panicked: %v", what, p))
			n = nil
		}
	}()
	n, err := f()
	if err != nil {
		g.Fail(fmt.Errorf("oracle: %s: %w", what, err))
		return nil
	}
	return n
}

// expect fails the graph unless n has dims dimensions.
func (g *Graph) expect(what string, n *Node, dims int) bool {
	if g.err == nil && (n == nil || n.Dims() != dims) {
		g.Fail(fmt.Errorf("oracle: %s: want %d dimensions, have %v", what, dims, n))
	}
	return g.err == nil
}
