package mobilenet

import (
	"math"
	"math/rand/v2"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// The gradient of every parameter against central differences along a random
// direction, in float64, for both variants' padding, bias and activation.
func TestGradientsAgainstDifferences(t *testing.T) {
	for _, tc := range []struct{ variant, activation string }{{"paper", ReLU6}, {"article", ReLU}} {
		t.Run(tc.variant, func(t *testing.T) {
			c := small(t, tc.variant)
			c.Activation, c.Resolution, c.Classes = tc.activation, 33, 3
			autogradtest.Run(t, func(s *autograd.Scope) {
				n := referenceNetwork(t, s, c)
				n.ToDType(s, autograd.Float64)
				x := s.To(randomImages(s, 4, 33), autograd.Float64)
				labels := autograd.FromSlice(s, []int64{0, 1, 2, 1}, 4)
				loss := func(s *autograd.Scope) *autograd.Tensor {
					return autograd.CrossEntropy{}.Loss(s, n.Forward(s, x, autograd.Training), labels)
				}
				s.Backward(loss(s))
				r := rand.New(rand.NewPCG(7, 7))
				for _, p := range n.Parameters() {
					checkDirection(t, s, p, r, loss)
				}
			})
		})
	}
}

// checkDirection compares the slope of the loss along a random direction of the
// parameter with the gradient's. The step is small because batch normalization over
// few values bends the loss sharply and ReLU kinks lie close: 1e-7 already crosses
// some. Rounding of float64 then leaves about 1e-7, below tol.
func checkDirection(t *testing.T, s *autograd.Scope, p Parameter, r *rand.Rand, loss func(*autograd.Scope) *autograd.Tensor) {
	t.Helper()
	const step, tol = 1e-8, 1e-5
	start, gradient := host(s, p.Tensor), host(s, s.Grad(p.Tensor))
	direction := make([]float64, len(start))
	slope := 0.0
	for i := range direction {
		direction[i] = r.NormFloat64()
		slope += direction[i] * gradient[i]
	}
	at := func(offset float64) (value float64) {
		moved := make([]float64, len(start))
		for i := range moved {
			moved[i] = start[i] + offset*direction[i]
		}
		autograd.CopyFromSlice(s, p.Tensor, moved)
		s.Fail(s.NoGrad(func(s *autograd.Scope) error {
			value = s.Item(loss(s))
			return s.Err()
		}))
		return value
	}
	difference := (at(step) - at(-step)) / (2 * step)
	at(0)
	if !(math.Abs(difference-slope) <= tol*max(1, math.Abs(slope))) {
		t.Errorf("%s: slope %.10g, differences give %.10g", p.Name, slope, difference)
	}
}
