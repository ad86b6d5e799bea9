package backend

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// TestFusedKernelsAgree: by the running statistics, which do not amplify rounding, both kernels give the same logits and
// gradients for every option; and the fused ones have computed each layer, forward and backward.
func TestFusedKernelsAgree(t *testing.T) {
	for _, variant := range mobilenet.Variants("mobilenet_v1") {
		for _, activation := range fusedFunctions {
			for _, width := range []float64{0.25, 0.75, 1} {
				for _, size := range []int64{32, 47} {
					t.Run(fmt.Sprintf("%s/%s/width_%v/%d", variant, activation, width, size), func(t *testing.T) {
						c := config(t, "mobilenet_v1", variant)
						c.Width, c.Resolution, c.Classes, c.Activation = width, 32, 7, activation
						compareKernels(t, c, size)
					})
				}
			}
		}
	}
}

func compareKernels(t *testing.T, c mobilenet.Config, size int64) {
	compareGraph(t, graph(t, c), size, 27)
}

// compareGraph compares logits and gradients of both backends, for images of a size and a number of convolutions.
func compareGraph(t *testing.T, g *models.Graph, size, convolutions int64) {
	t.Helper()
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, g, 1)
		x := randomImages(s, 7, size)
		compute := func(b Backend) (logits []float32, gradients [][]float32) {
			y := b.Forward(s, n, x, autograd.Evaluation)
			s.Backward(s.Sum(s.Square(y)))
			for _, p := range n.Parameters() {
				gradients = append(gradients, autograd.ToSlice[float32](s, s.Grad(p.Tensor)))
				autograd.ZeroGrads(s, autograd.List{p.Tensor})
			}
			return autograd.ToSlice[float32](s, y), gradients
		}
		before := autograd.BackboneCount()
		got, gotGradients := compute(Fused{})
		if layers := autograd.BackboneCount() - before; layers != 2*convolutions {
			t.Errorf("the fused kernels computed %d layers, want %d forward and as many backward", layers, convolutions)
		}
		want, wantGradients := compute(Torch{})
		if layers := autograd.BackboneCount() - before; layers != 2*convolutions {
			t.Error("the torch backend uses the fused kernels")
		}
		checkNear(t, "logits", got, want)
		for i, p := range n.Parameters() {
			checkNear(t, p.Name, gotGradients[i], wantGradients[i])
		}
	})
}

// TestHooksWantTorchKernels: the fused kernels have no layer's output to show.
func TestHooksWantTorchKernels(t *testing.T) {
	c := config(t, "mobilenet_v1", "paper")
	c.Width, c.Resolution, c.Classes = 0.25, 32, 5
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, graph(t, c), 1)
		seen := 0
		n.RegisterForwardHook(func(*autograd.Scope, models.Layer, *autograd.Tensor) *autograd.Tensor {
			seen++
			return nil
		})
		before := autograd.BackboneCount()
		Fused{}.Forward(s, n, randomImages(s, 2, 32), autograd.Training)
		if seen != 29 || autograd.BackboneCount() != before {
			t.Errorf("the hook saw %d layers, the fused kernels computed %d", seen, autograd.BackboneCount()-before)
		}
	})
}

// TestPixelsAreNormalized: ForwardPixels gives the bits of Forward of normalized images, whatever computes.
func TestPixelsAreNormalized(t *testing.T) {
	c := config(t, "mobilenet_v1", "paper")
	c.Width, c.Resolution, c.Classes = 0.25, 32, 5
	p := autograd.Pixels{Values: make([]uint8, 2*47*33*3), N: 2, Height: 47, Width: 33, Mean: [3]float64{0.5, 0.4, 0.3}, Std: [3]float64{0.2, 0.3, 0.25}}
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range p.Values {
		p.Values[i] = uint8(rng.Uint32())
	}
	for _, b := range backends {
		for _, mode := range []autograd.Mode{autograd.Evaluation, autograd.Training} {
			autogradtest.Run(t, func(s *autograd.Scope) {
				n, same := New(s, graph(t, c), 1), New(s, graph(t, c), 1)
				got := autograd.ToSlice[float32](s, b.ForwardPixels(s, n, p, mode))
				x := s.NormalizeImages(p.Values, p.N, p.Height, p.Width, p.Mean, p.Std, autograd.CPU)
				want := autograd.ToSlice[float32](s, b.Forward(s, same, x, mode))
				if !slices.Equal(got, want) {
					t.Errorf("%s, mode %v: %v, want %v", b.Name(), mode, got, want)
				}
			})
		}
	}
}
