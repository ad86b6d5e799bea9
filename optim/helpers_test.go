package optim

import (
	"math"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// fused applies an update.
func fused(s *autograd.Scope, u Update) float64 { return u.Fused(s) }

// ways are the two implementations of an update.
var ways = []struct {
	name  string
	apply func(*autograd.Scope, Update) float64
}{
	{"fused", fused},
	{"unfused", func(s *autograd.Scope, u Update) float64 { return u.Unfused(s) }},
}

// forEachWay runs a test on both.
func forEachWay(t *testing.T, test func(t *testing.T, s *autograd.Scope, apply func(*autograd.Scope, Update) float64)) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) { test(t, s, way.apply) })
		})
	}
}

// vector makes a parameter with values and, unless nil, a gradient.
func vector(s *autograd.Scope, name string, values, gradient []float32) Parameter {
	t := s.RequireGrad(autograd.FromSlice(s, values, int64(len(values))))
	if gradient != nil {
		giveGradient(s, t, gradient)
	}
	return Parameter{Name: name, Tensor: t}
}

// giveGradient replaces the gradient of t by the values: the gradient of sum(t*values).
func giveGradient(s *autograd.Scope, t *autograd.Tensor, values []float32) {
	if s.Err() != nil {
		return
	}
	autograd.ZeroGrads(s, autograd.List{t})
	s.Backward(s.Sum(s.Mul(t, autograd.FromSlice(s, values, t.Shape()...))))
}

// values copies the elements of a parameter.
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
		t.Errorf("%s: value %d is %v, want %v: error %.2g of the largest, tolerance %.2g", what, at, got[at], want[at], worst/scale, tol)
	}
}
