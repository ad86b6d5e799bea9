package backend

import (
	"math"
	"math/rand/v2"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/models"
)

// The gradient of every parameter against central differences along a random
// direction, in float64, for the variants' padding, bias and activation, and for residual connections.
func TestGradientsAgainstDifferences(t *testing.T) {
	paper, article := small(t, "mobilenet_v1", "paper"), small(t, "mobilenet_v1", "article")
	paper.Activation, paper.Resolution, paper.Classes = models.ReLU6, 33, 3
	article.Resolution, article.Classes = 33, 3
	for name, g := range map[string]*models.Graph{"paper": graph(t, paper), "article": graph(t, article), "residual": residual(t)} {
		t.Run(name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				n := referenceNetwork(t, s, g)
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

// residual is a small network of every kind of layer that has a gradient: two inverted residual blocks, a max pool
// with padding, batch norm and activation of their own, and a hidden layer.
func residual(t testing.TB) *models.Graph {
	norm := models.BatchNorm{}
	return build(t, func(x *models.Node) *models.Node {
		x = x.Conv(models.Conv{Out: 4, Kernel: 3, Stride: 2, Padding: models.Same}).BatchNorm(norm).ReLU6()
		for range 2 {
			y := x.Conv(models.Conv{Out: 8}).BatchNorm(norm).ReLU6().DepthwiseConv(models.Conv{Kernel: 3}).BatchNorm(norm).ReLU6()
			x = y.Conv(models.Conv{Out: 4}).BatchNorm(norm).Add(x)
		}
		y := x.ReLU()
		x = y.BatchNorm(norm).Add(y).MaxPool(models.Pool{Kernel: 3, Stride: 2, Padding: models.Same})
		return x.GlobalAvgPool().Linear(models.Linear{Out: 6}).ReLU().Dropout(0).Linear(models.Linear{Out: 3, NoBias: true})
	})
}

// checkDirection compares the slope of the loss along a random direction of the
// parameter with the gradient's. The step is small because batch normalization over
// few values bends the loss sharply and ReLU kinks lie close: 1e-7 already crosses
// some. Rounding of float64 then leaves about 1e-7, below tol.
func checkDirection(t *testing.T, s *autograd.Scope, p Parameter, r *rand.Rand, loss func(*autograd.Scope) *autograd.Tensor) {
	t.Helper()
	const step, tol = 1e-8, 1e-5
	start, gradient := floats(s, p.Tensor), floats(s, s.Grad(p.Tensor))
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
