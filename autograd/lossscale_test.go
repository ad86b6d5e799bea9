package autograd_test

import (
	"math"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// scalar is a float32 scalar.
func scalar(s scope, value float64) tensor {
	return s.AddScalar(s.Zeros(f32, autograd.CPU), value)
}

// TestUnscale: finite gradients are divided, and any other value is found.
func TestUnscale(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, tt := range []struct {
		name   string
		values []float32
		found  float32
	}{
		{"finite", []float32{8, -16, 0}, 0},
		{"the largest", []float32{math.MaxFloat32, 0, 0}, 0},
		{"infinite", []float32{8, inf, 0}, 1},
		{"minus infinity", []float32{8, 0, -inf}, 1},
		{"NaN", []float32{nan, 1, 2}, 1},
	} {
		autogradtest.Run(t, func(s *autograd.Scope) {
			found := scalar(s, 0)
			l := autograd.List{autograd.FromSlice(s, []float32{4}, 1), autograd.FromSlice(s, tt.values, 3)}
			l.Unscale(s, found, scalar(s, 0.125))
			if got := s.Item(found); got != float64(tt.found) {
				t.Errorf("%s: found %v", tt.name, got)
			}
			if got := autograd.ToSlice[float32](s, l[0]); got[0] != 0.5 {
				t.Errorf("%s: %v of 4", tt.name, got)
			}
			for i, v := range autograd.ToSlice[float32](s, l[1]) {
				if tt.found == 0 && v != tt.values[i]*0.125 {
					t.Errorf("%s: %v of %v", tt.name, v, tt.values[i])
				}
			}
		})
	}
}

// TestRestore: bits come back from any values, and stay as they are otherwise.
func TestRestore(t *testing.T) {
	hard := []float64{0, math.Copysign(0, -1), 1, -1, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat32, -math.MaxFloat32, 1e-45, -1e-40, math.Pi}
	for _, dtype := range []autograd.DType{autograd.Float32, autograd.Float64} {
		for _, when := range []float64{0, 1} {
			autogradtest.Run(t, func(s *autograd.Scope) {
				var all, other []float64
				for _, a := range hard {
					for _, b := range hard {
						all, other = append(all, a), append(other, b)
					}
				}
				make := func(v []float64) autograd.List {
					first := s.ChannelsLast(s.To(autograd.FromSlice(s, v, 1, 4, 6, 6), dtype)) // 144 values
					return autograd.List{first, s.To(autograd.FromSlice(s, v[:5], 5), dtype)}
				}
				x, kept := make(all), make(other)
				want := x
				if when == 1 {
					want = kept
				}
				wanted := [][]float64{autograd.ToSlice[float64](s, want[0]), autograd.ToSlice[float64](s, want[1])}
				leaf := s.RequireGrad(x[0]) // as a parameter is
				autograd.List{leaf, x[1]}.Restore(s, kept, scalar(s, when))
				for i := range x {
					got := autograd.ToSlice[float64](s, s.Detach(x[i]))
					if !slices.EqualFunc(got, wanted[i], func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }) {
						t.Errorf("%v, when %v: %v, want %v", dtype, when, got, wanted[i])
					}
				}
			})
		}
	}
}
