package suite

import "depthwise.dev/autograd"

// extensions are the cases of a user's own operations: a function with a backward pass in Go, and
// activation checkpointing.
func extensions(scale float64) []Case {
	x, y := drawn(scale, "x", 3, 4), drawn(scale, "y", 3, 4)
	return []Case{
		{Name: "function in Go", Inputs: []Input{x, y},
			Torch: func(s scope, in []tensor) tensor {
				if out := s.Apply(product{}, in...); len(out) == 1 {
					return out[0]
				}
				return nil
			},
			Gorgonia: one(func(g graph, in []node) node { return g.Mul(in[0], in[1]) })},
		{Name: "checkpoint", Inputs: []Input{x, y},
			Torch: func(s scope, in []tensor) tensor {
				return s.Checkpoint(func(s scope, again []tensor) tensor { return s.Mul(s.Square(again[0]), in[1]) }, in[0])
			},
			Gorgonia: one(func(g graph, in []node) node { return g.Mul(g.Square(in[0]), in[1]) })},
	}
}

// product is x*y with its backward pass written by hand.
type product struct{}

// Forward implements autograd.Function.
func (product) Forward(ctx *autograd.FunctionCtx, s *autograd.Scope, in []*autograd.Tensor) []*autograd.Tensor {
	ctx.SaveForBackward(in...)
	return []*autograd.Tensor{s.Mul(in[0], in[1])}
}

// Backward implements autograd.Function.
func (product) Backward(ctx *autograd.FunctionCtx, s *autograd.Scope, g []*autograd.Tensor) []*autograd.Tensor {
	saved := ctx.SavedTensors()
	return []*autograd.Tensor{s.Mul(g[0], saved[1]), s.Mul(g[0], saved[0])}
}
