package autograd_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// linearResult is the output of a linear layer and the gradients of x, weight and bias.
func linearResult(s scope, layer func(x, w, b tensor) tensor, x, w, b, weights tensor) [][]float32 {
	leaves := []tensor{s.RequireGrad(s.Scale(x, 1)), s.RequireGrad(s.Scale(w, 1)), s.RequireGrad(s.Scale(b, 1))}
	y := layer(leaves[0], leaves[1], leaves[2])
	s.Backward(s.Sum(s.Mul(y, weights)))
	out := [][]float32{autograd.ToSlice[float32](s, y)}
	for _, leaf := range leaves {
		out = append(out, autograd.ToSlice[float32](s, s.Grad(leaf)))
	}
	return out
}

func fill(s scope, seed uint32, shape ...int64) tensor {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		seed = seed*1664525 + 1013904223
		values[i] = float32(seed>>8)/(1<<23) - 1
	}
	return autograd.FromSlice(s, values, shape...)
}

// TestFusedLinear compares the kernels with libtorch's operation over sizes, on several numbers of
// threads, which must not change a bit.
func TestFusedLinear(t *testing.T) {
	for _, c := range []struct{ rows, in, out int64 }{
		{1, 1, 1}, {1, 16, 16}, {2, 15, 17}, {5, 33, 47}, {32, 512, 20}, {32, 512, 1000}, {13, 1024, 1001}, {129, 100, 10},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				x, w, b := fill(s, 1, c.rows, c.in), fill(s, 2, c.out, c.in), fill(s, 3, c.out)
				weights := fill(s, 4, c.rows, c.out)
				before := autograd.Threads()
				defer autograd.SetThreads(s, before)
				autograd.SetThreads(s, 1)
				got := linearResult(s, s.FusedLinear, x, w, b, weights)
				want := linearResult(s, s.Linear, x, w, b, weights)
				depth := []int64{c.in, c.out, c.rows, c.rows} // of the sums of each result
				for i, name := range []string{"y", "x's gradient", "the weight's gradient", "the bias's gradient"} {
					// Random walks of roundings of 2^-24 at sums of terms below 1.
					tolerance := 4e-7 * float64(depth[i]+1)
					for k := range want[i] {
						if d := math.Abs(float64(got[i][k] - want[i][k])); !(d <= tolerance) {
							t.Fatalf("%s[%d] is %v, want %v within %v", name, k, got[i][k], want[i][k], tolerance)
						}
					}
				}
				for _, threads := range []int{2, 3, 7} {
					autograd.SetThreads(s, threads)
					for i, values := range linearResult(s, s.FusedLinear, x, w, b, weights) {
						if !slices.Equal(values, got[i]) {
							t.Errorf("result %d differs with %d threads", i, threads)
						}
					}
				}
			})
		})
	}
}

func TestFusedLinearNaN(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		x, w := fill(s, 1, 2, 3), fill(s, 2, 4, 3)
		poison := autograd.FromSlice(s, []float32{float32(math.NaN()), 0, 0, 0, 0, 0}, 2, 3)
		y := autograd.ToSlice[float32](s, s.FusedLinear(s.Add(x, poison), w, nil))
		for i, v := range y {
			if math.IsNaN(float64(v)) != (i < 4) {
				t.Errorf("y[%d] is %v: only the row with a NaN has NaN", i, v)
			}
		}
	})
}

func TestFusedLinearErrors(t *testing.T) {
	for name, c := range map[string]struct {
		use  func(s scope) error
		want string
	}{
		"bias of another size": {func(s scope) error {
			s.FusedLinear(fill(s, 1, 2, 3), fill(s, 2, 4, 3), fill(s, 3, 5))
			return s.Err()
		}, "the bias (out)"},
		"three dimensions": {func(s scope) error {
			s.FusedLinear(fill(s, 1, 2, 2, 3), fill(s, 2, 4, 3), nil)
			return s.Err()
		}, "x must be (N, in)"},
		"weight in float64": {func(s scope) error {
			s.FusedLinear(fill(s, 1, 2, 3), s.Zeros(f64, autograd.CPU, 4, 3), nil)
			return s.Err()
		}, "Scope.Linear accepts others"},
	} {
		t.Run(name, func(t *testing.T) {
			err := autograd.Run(t.Context(), c.use)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
