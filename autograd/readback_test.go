package autograd_test

import (
	"math"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// TestReadLater: values of tensors of several types arrive in order, as float64.
func TestReadLater(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		nan := math.NaN()
		tests := []struct {
			name    string
			tensors []*autograd.Tensor
			want    []float64
		}{
			{"a scalar", []*autograd.Tensor{autograd.FromSlice(s, []float32{1.5})}, []float64{1.5}},
			{"types", []*autograd.Tensor{autograd.FromSlice(s, []int64{7}), autograd.FromSlice(s, []float64{0.1}), autograd.FromSlice(s, []bool{true})}, []float64{7, 0.1, 1}},
			{"shapes", []*autograd.Tensor{autograd.FromSlice(s, []float32{1, 2, 3, 4}, 2, 2), autograd.FromSlice(s, []float32{5}, 1, 1)}, []float64{1, 2, 3, 4, 5}},
			{"a leaf", []*autograd.Tensor{s.RequireGrad(autograd.FromSlice(s, []float32{2}))}, []float64{2}},
			{"not a number", []*autograd.Tensor{autograd.FromSlice(s, []float32{float32(nan)})}, []float64{nan}},
			{"nothing", nil, nil},
		}
		for _, tt := range tests {
			b := s.ReadLater(tt.tensors...)
			if s.Err() != nil {
				return
			}
			ready := b.Ready()
			got, err := b.Values()
			equal := slices.EqualFunc(got, tt.want, func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
			if !ready || err != nil || !equal {
				t.Errorf("%s: ready %v, %v, error %v, want %v", tt.name, ready, got, err, tt.want)
			}
			b.Discard()
			b.Discard() // again does nothing
		}
	})
}
