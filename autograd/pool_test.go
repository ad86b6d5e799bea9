package autograd

import (
	"slices"
	"testing"
)

// TestPaddedApart: an average pool of an image that was padded before has the values and the gradient of one with padding.
func TestPaddedApart(t *testing.T) {
	for _, c := range []struct {
		name  string
		pool  Pool
		apart bool // padded before
	}{
		{"overlapping", Pool{Kernel: 3, Stride: 2, Padding: 1}, true},
		{"side by side", Pool{Kernel: 2, Padding: 1}, true},
		{"without padding", Pool{Kernel: 3, Stride: 2}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Run(t.Context(), func(s *Scope) error {
				values := make([]float64, 2*3*7*5)
				for i := range values {
					values[i] = float64(i*37%101) / 8 // sums of few of them are exact
				}
				compute := func(apart bool) (y, gradient []float64) {
					x := s.RequireGrad(s.ChannelsLast(FromSlice(s, values, 2, 3, 7, 5)))
					image, pool := x, c.pool
					if apart {
						image, pool = s.paddedApart(x, c.pool)
						if (image != x) != c.apart || pool.Padding != 0 {
							t.Errorf("padded before: %v, pool %+v", image != x, pool)
						}
					}
					out := s.AvgPool2d(image, pool)
					s.Backward(s.Sum(s.Square(out)))
					return ToSlice[float64](s, s.Detach(out)), ToSlice[float64](s, s.Grad(x))
				}
				y, gradient := compute(true)
				wantY, wantGradient := compute(false)
				if !slices.Equal(y, wantY) || !slices.EqualFunc(gradient, wantGradient, near) {
					t.Errorf("%v, gradient %v; want %v, gradient %v", y, gradient, wantY, wantGradient)
				}
				return s.Err()
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	err := Run(t.Context(), func(s *Scope) error {
		wrong := Pool{Kernel: 2, Padding: 2} // libtorch refuses it
		if _, pool := s.paddedApart(FromSlice(s, make([]float64, 16), 1, 1, 4, 4), wrong); pool != wrong {
			t.Errorf("%+v", pool)
		}
		return s.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// near allows for another order of the sum of a gradient.
func near(a, b float64) bool { return a-b <= 1e-12 && b-a <= 1e-12 }
