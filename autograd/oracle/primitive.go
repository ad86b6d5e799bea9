package oracle

import (
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// primitive is an operation that gorgonia lacks or computes incorrectly, as a gorgonia.Op with a
// symbolic derivative. Values are float64 and row-major.
type primitive struct {
	name  string // with all its numbers: gorgonia merges operations of the same name
	dims  []int  // of each input
	shape []int  // of the output
	value func(out []float64, in ...[]float64)
	// gradients are nodes for the gradient of each input, nil where there is none.
	gradients func(g *Graph, in []*Node, gradient *Node) []*Node
	graph     *Graph
}

// apply adds the operation to the graph.
func (p primitive) apply(g *Graph, in ...*Node) *Node {
	p.graph = g
	return g.apply(p.name, in, func() (*Node, error) { return gorgonia.ApplyOp(p, in...) })
}

// Arity is the number of inputs.
func (p primitive) Arity() int { return len(p.dims) }

// Type is that of a function from tensors of the inputs' ranks to one of the output's rank, all
// float64.
func (p primitive) Type() hm.Type {
	rank := func(n int) hm.Type { return gorgonia.TensorType{Dims: n, Of: gorgonia.Float64} }
	var types []hm.Type
	for _, n := range p.dims {
		types = append(types, rank(n))
	}
	return hm.NewFnType(append(types, rank(len(p.shape)))...)
}

// InferShape returns the shape given at construction.
func (p primitive) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return tensor.Shape(p.shape).Clone(), nil
}

// Do computes the value into newly allocated memory.
func (p primitive) Do(in ...gorgonia.Value) (gorgonia.Value, error) {
	inputs := make([][]float64, len(in))
	for i, v := range in {
		d, ok := v.(*tensor.Dense)
		if !ok {
			return nil, fmt.Errorf("oracle: %s: input %d is a %T, not a tensor", p.name, i, v)
		}
		var err error
		if inputs[i], err = values(d); err != nil {
			return nil, fmt.Errorf("oracle: %s: input %d: %w", p.name, i, err)
		}
	}
	out := tensor.New(tensor.Of(tensor.Float64), tensor.WithShape(p.shape...))
	p.value(out.Data().([]float64), inputs...)
	return out, nil
}

// DiffWRT reports which inputs have gradients: all or none.
func (p primitive) DiffWRT(inputs int) []bool {
	which := make([]bool, inputs)
	for i := range which {
		which[i] = p.gradients != nil
	}
	return which
}

// SymDiff adds the nodes of the gradients to the graph.
func (p primitive) SymDiff(in gorgonia.Nodes, _, gradient *Node) (gorgonia.Nodes, error) {
	nodes := p.gradients(p.graph, in, gradient)
	return nodes, p.graph.err
}

// ReturnsPtr is false: values are newly allocated.
func (p primitive) ReturnsPtr() bool { return false }

// CallsExtern is false: values are computed in Go.
func (p primitive) CallsExtern() bool { return false }

// OverwritesInput is -1: none.
func (p primitive) OverwritesInput() int { return -1 }

// WriteHash writes what identifies the operation.
func (p primitive) WriteHash(h hash.Hash) { fmt.Fprintf(h, "%s %v %v", p.name, p.dims, p.shape) }

// Hashcode is the hash of WriteHash.
func (p primitive) Hashcode() uint32 {
	h := fnv.New32a()
	p.WriteHash(h)
	return h.Sum32()
}

func (p primitive) String() string { return p.name }
