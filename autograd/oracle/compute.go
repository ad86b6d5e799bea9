package oracle

import (
	"fmt"

	"gorgonia.org/gorgonia"
)

// Result is what Compute returns.
type Result struct {
	Outputs   []Array // of the requested nodes
	Gradients []Array // one for each Input, in the order in which they were added
}

// Compute evaluates the outputs and the gradient of sum(outputs[0] * cotangent) with respect to
// every Input; that of an input on which the output does not depend is zero. A nil cotangent means
// no gradients.
//
// Compute evaluates the nodes one after the other by their operations' Do, not with one of
// gorgonia's machines: those run on a goroutine of their own, where a panic ends the process.
func (g *Graph) Compute(outputs []*Node, cotangent []float64) (r Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("oracle: gorgonia panicked: %v", p)
		}
	}()
	gradients := make([]*Node, len(g.inputs))
	if cotangent != nil && g.err == nil {
		g.differentiate(outputs[0], cotangent, gradients)
	}
	if g.err != nil {
		return r, g.err
	}
	e := evaluation{graph: g.g, done: map[*Node]gorgonia.Value{}}
	for _, n := range outputs {
		r.Outputs = append(r.Outputs, e.array(n))
	}
	for i, n := range gradients {
		switch {
		case cotangent == nil:
		case n == nil:
			r.Gradients = append(r.Gradients, Full(0, shapeOf(g.inputs[i])...))
		default:
			r.Gradients = append(r.Gradients, e.array(n))
		}
	}
	return r, e.err
}

// differentiate adds the nodes of the gradients.
func (g *Graph) differentiate(output *Node, cotangent []float64, gradients []*Node) {
	seed := g.Constant(Array{Shape: shapeOf(output), Data: cotangent})
	depends := ancestors(g.g, output)
	var wrt gorgonia.Nodes
	for _, n := range g.inputs {
		if depends[n] {
			wrt = append(wrt, n)
		}
	}
	if g.err != nil || len(wrt) == 0 {
		return
	}
	found, err := gorgonia.Backpropagate(gorgonia.Nodes{output}, gorgonia.Nodes{seed}, wrt)
	if err != nil {
		g.Fail(fmt.Errorf("oracle: differentiating: %w", err))
		return
	}
	for i, n := range g.inputs {
		if depends[n] {
			gradients[i], found = found[0], found[1:]
		}
	}
}

// ancestors are n and the nodes from which it is computed.
func ancestors(graph *gorgonia.ExprGraph, n *Node) map[*Node]bool {
	seen := map[*Node]bool{}
	var visit func(*Node)
	visit = func(n *Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, child := range children(graph, n) {
			visit(child)
		}
	}
	visit(n)
	return seen
}

// children are the inputs of n's operation, in order.
func children(graph *gorgonia.ExprGraph, n *Node) []*Node {
	var list []*Node
	for it := graph.From(n.ID()); it.Next(); {
		list = append(list, it.Node().(*Node))
	}
	return list
}

// evaluation caches the values of nodes. It keeps its first error.
type evaluation struct {
	graph *gorgonia.ExprGraph
	done  map[*Node]gorgonia.Value
	err   error
}

// array is the value of n.
func (e *evaluation) array(n *Node) Array {
	v := e.value(n)
	if e.err != nil {
		return Array{}
	}
	a, err := arrayOf(v)
	if err != nil {
		e.err = fmt.Errorf("oracle: %v: %w", n, err)
	}
	return a
}

func (e *evaluation) value(n *Node) gorgonia.Value {
	if v, ok := e.done[n]; ok || e.err != nil {
		return v
	}
	if n.Op() == nil || n.Op().Arity() == 0 { // a leaf or a constant
		return n.Value()
	}
	var inputs []gorgonia.Value
	for _, child := range children(e.graph, n) {
		inputs = append(inputs, e.value(child))
	}
	if e.err != nil {
		return nil
	}
	v, err := n.Op().Do(inputs...)
	if err != nil {
		e.err = fmt.Errorf("oracle: %v: %w", n, err)
	}
	e.done[n] = v
	return v
}

// shapeOf is a node's shape.
func shapeOf(n *Node) []int64 {
	if n == nil {
		return nil
	}
	var shape []int64
	for _, d := range n.Shape() {
		shape = append(shape, int64(d))
	}
	return shape
}
