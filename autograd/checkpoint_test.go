package autograd_test

import (
	"fmt"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// block is a layer that preserves its input's shape: convolution, batch normalization, ReLU,
// dropout.
type block struct {
	weight *autograd.Tensor
	norm   autograd.BatchNorm
}

func newBlock(s *autograd.Scope) block {
	return block{
		weight: s.RequireGrad(random(1, 3, 3, 3, 3).tensor(s)),
		norm:   newBatchNorm(s, s.RequireGrad(random(2, 3).tensor(s)), s.RequireGrad(random(3, 3).tensor(s))),
	}
}

func (b block) forward(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	y := s.Conv2d(x, b.weight, nil, autograd.Conv{Padding: 1})
	z := s.ReLUInPlace(b.norm.Forward(s, y, autograd.Training))
	s.Free(x, y)
	return s.Dropout(z, 0.5)
}

// how a block is computed.
type how func(s *autograd.Scope, b block, x *autograd.Tensor) *autograd.Tensor

func plainly(s *autograd.Scope, b block, x *autograd.Tensor) *autograd.Tensor { return b.forward(s, x) }

func checkpointed(s *autograd.Scope, b block, x *autograd.Tensor) *autograd.Tensor {
	return s.Checkpoint(func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor { return b.forward(s, in[0]) }, x)
}

func nested(s *autograd.Scope, b block, x *autograd.Tensor) *autograd.Tensor {
	return s.Checkpoint(func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor { return checkpointed(s, b, in[0]) }, x)
}

// closedOver captures its input in a closure, and so the part of the graph before it.
func closedOver(s *autograd.Scope, b block, x *autograd.Tensor) *autograd.Tensor {
	return s.Checkpoint(func(s *autograd.Scope, _ []*autograd.Tensor) *autograd.Tensor { return b.forward(s, s.Scale(x, 1)) })
}

// pass runs forward and backward through the same block twice and returns all results.
func pass(t *testing.T, h how, imageGradient bool) (values [][]float64) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		autograd.Seed(s, 7)
		b := newBlock(s)
		x := random(4, 2, 3, 5, 5).tensor(s)
		leaves := autograd.List{b.weight, b.norm.Weight, b.norm.Bias}
		if imageGradient {
			leaves = append(leaves, s.RequireGrad(x))
		}
		calls := 0.0
		s.RegisterHook(b.weight, func(s *autograd.Scope, g *autograd.Tensor) *autograd.Tensor {
			calls++
			return s.Scale(g, 3)
		})
		out := h(s, b, s.Scale(h(s, b, s.Scale(x, 1)), 2))
		loss := s.Sum(s.Square(out))
		s.Dropout(x, 0.5) // uses the generator in between
		for _, g := range autograd.Grad(s, []*autograd.Tensor{loss}, leaves[1:], autograd.GradOptions{RetainGraph: true}) {
			values = append(values, autograd.ToSlice[float64](s, g))
		}
		s.Backward(loss)
		for _, v := range append(autograd.GradsOf(s, leaves), out, b.norm.Mean, b.norm.Var, s.Dropout(s.Detach(x), 0.5)) {
			values = append(values, autograd.ToSlice[float64](s, v))
		}
		values = append(values, []float64{calls})
	})
	return values
}

// TestCheckpoint: values, gradients, running statistics, hooks and later random numbers are the
// same as without a checkpoint.
func TestCheckpoint(t *testing.T) {
	for _, imageGradient := range []bool{false, true} {
		want := pass(t, plainly, imageGradient)
		for name, h := range map[string]how{"checkpoint": checkpointed, "nested": nested, "closed over": closedOver} {
			for i, v := range pass(t, h, imageGradient) {
				// Bit-identical except for sums of several gradients, whose order may differ.
				checkClose(t, fmt.Sprintf("%s, value %d", name, i), v, want[i], 1e-14)
			}
		}
	}
}

func TestCheckpointSecondDerivative(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		w := s.RequireGrad(random(2, 4).tensor(s))
		f := func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			return s.Checkpoint(func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
				return s.Mul(cube(s, in[0]), s.Square(in[1]))
			}, in...)
		}
		in := []*autograd.Tensor{random(1, 4).tensor(s), w}
		if err := autograd.GradGradCheck(s, f, []*autograd.Tensor{in[0], s.Detach(w)}, autograd.GradCheckOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// TestCheckpointChanges: a function that computes something else when recomputed is an error, never
// a wrong gradient.
func TestCheckpointChanges(t *testing.T) {
	for name, again := range map[string]func(s *autograd.Scope, x, w *autograd.Tensor) *autograd.Tensor{
		"no graph": func(s *autograd.Scope, x, w *autograd.Tensor) *autograd.Tensor { return s.Detach(x) },
		"other parameter": func(s *autograd.Scope, x, w *autograd.Tensor) *autograd.Tensor {
			return s.Mul(x, s.RequireGrad(s.Detach(w)))
		},
		"other shape": func(s *autograd.Scope, x, w *autograd.Tensor) *autograd.Tensor { return s.Sum(s.Mul(x, w)) },
	} {
		err := failing(t, func(s *autograd.Scope) error {
			x, w := s.RequireGrad(random(1, 3).tensor(s)), s.RequireGrad(random(2, 3).tensor(s))
			first := true
			y := s.Checkpoint(func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
				if first {
					first = false
					return s.Mul(in[0], w)
				}
				return again(s, in[0], w)
			}, x)
			s.Backward(s.Sum(y))
			return nil
		})
		if !strings.Contains(err.Error(), "built a different graph") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	err := failing(t, func(s *autograd.Scope) error {
		w := s.RequireGrad(random(2, 3).tensor(s))
		x := s.Scale(w, 2)
		y := s.Checkpoint(func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor { return s.Square(in[0]) }, x)
		s.ReLUInPlace(x)
		s.Backward(s.Sum(y))
		return nil
	})
	if !strings.Contains(err.Error(), "modified by an inplace operation") {
		t.Errorf("input changed in place: error %v", err)
	}
}

func TestCheckpointWithoutGraph(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		calls := 0
		f := func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor { calls++; return s.Square(in[0]) }
		x := autograd.FromSlice(s, []float64{3}, 1)
		checkClose(t, "no gradient wanted", autograd.ToSlice[float64](s, s.Checkpoint(f, x)), []float64{9}, 0)
		s.RequireGrad(x)
		if err := s.NoGrad(func(s *autograd.Scope) error {
			checkClose(t, "not recorded", autograd.ToSlice[float64](s, s.Checkpoint(f, x)), []float64{9}, 0)
			return s.Err()
		}); err != nil || calls != 2 {
			t.Errorf("error %v, %d calls, want 2", err, calls)
		}
	})
}
