package optim

import (
	"math"
	"testing"

	"depthwise.dev/autograd"
)

// vector makes a parameter with values and, unless nil, a gradient.
func vector(s *autograd.Scope, name string, values, gradient []float32) Parameter {
	t := s.RequireGrad(autograd.FromSlice(s, values, int64(len(values))))
	if gradient != nil {
		giveGradient(s, t, gradient)
	}
	return Parameter{Name: name, Tensor: t}
}

// giveGradient makes the gradient of t exactly the values, in place of what it was:
// that of sum(t*values).
func giveGradient(s *autograd.Scope, t *autograd.Tensor, values []float32) {
	if s.Err() != nil {
		return
	}
	autograd.ZeroGrads(s, autograd.List{t})
	s.Backward(s.Sum(s.Mul(t, autograd.FromSlice(s, values, t.Shape()...))))
}

// values copies a parameter out.
func values(s *autograd.Scope, p Parameter) []float32 {
	return autograd.ToSlice[float32](s, p.Tensor)
}

// compare32 compares values within a tolerance relative to the largest one wanted.
func compare32(t *testing.T, what string, got, want []float32, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	scale, worst, at := 0.0, 0.0, 0
	for i := range want {
		scale = max(scale, math.Abs(float64(want[i])))
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= worst) {
			worst, at = d, i
		}
	}
	if !(worst <= tol*scale) {
		t.Errorf("%s: value %d is %v, want %v: off by %.2g of the largest, %.2g allowed", what, at, got[at], want[at], worst/scale, tol)
	}
}
