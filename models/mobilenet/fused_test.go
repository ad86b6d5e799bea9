package mobilenet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// noise is a batch of normalized images.
func noise(s *autograd.Scope, n, size int64) *autograd.Tensor {
	rng := rand.New(rand.NewPCG(5, 5))
	values := make([]float32, n*3*size*size)
	for i := range values {
		values[i] = float32(rng.NormFloat64())
	}
	return s.ChannelsLast(autograd.FromSlice(s, values, n, 3, size, size))
}

// TestFusedKernelsAgree: by the running statistics, which do not amplify rounding, both kernels give the same logits and
// gradients for every option; and the fused ones have computed each layer, forward and backward.
func TestFusedKernelsAgree(t *testing.T) {
	for _, variant := range Variants() {
		for _, activation := range []string{ReLU, ReLU6} {
			for _, width := range []float64{0.25, 0.75, 1} {
				for _, size := range []int64{32, 47} {
					t.Run(fmt.Sprintf("%s/%s/width_%v/%d", variant, activation, width, size), func(t *testing.T) {
						c, err := Variant(variant)
						if err != nil {
							t.Fatal(err)
						}
						c.Width, c.Resolution, c.Classes, c.Activation = width, 32, 7, activation
						compareKernels(t, c, size)
					})
				}
			}
		}
	}
}

func compareKernels(t *testing.T, c Config, size int64) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, c, 1)
		x := noise(s, 7, size)
		compute := func(k Kernels) (logits []float32, gradients [][]float32) {
			n.Kernels = k
			y := n.Forward(s, x, autograd.Evaluation)
			s.Backward(s.Sum(s.Square(y)))
			for _, p := range n.Parameters() {
				gradients = append(gradients, autograd.ToSlice[float32](s, s.Grad(p.Tensor)))
				autograd.ZeroGrads(s, autograd.List{p.Tensor})
			}
			return autograd.ToSlice[float32](s, y), gradients
		}
		before := autograd.BackboneCount()
		got, gotGradients := compute(Fused)
		if layers := autograd.BackboneCount() - before; layers != 2*27 {
			t.Errorf("the fused kernels computed %d layers, want 27 forward and 27 backward", layers)
		}
		want, wantGradients := compute(Torch)
		if layers := autograd.BackboneCount() - before; layers != 2*27 {
			t.Error("the torch kernels are the fused ones")
		}
		checkNear(t, "logits", got, want)
		for i, p := range n.Parameters() {
			checkNear(t, p.Name, gotGradients[i], wantGradients[i])
		}
	})
}

// checkNear compares by Euclidean norms: float32 rounding over 28 layers, measured at most 2.6e-6; a value that it takes across a kink
// of the activation moves a gradient by more.
func checkNear(t *testing.T, what string, got, want []float32) {
	t.Helper()
	var d, n float64
	for i := range want {
		d += math.Pow(float64(got[i]-want[i]), 2)
		n += math.Pow(float64(want[i]), 2)
	}
	if !(math.Sqrt(d) <= 1e-4*math.Sqrt(n)+1e-12) {
		t.Errorf("%s: differs by %.1e of its norm", what, math.Sqrt(d/n))
	}
}

// TestHooksWantTorchKernels: the fused kernels have no layer's output to show.
func TestHooksWantTorchKernels(t *testing.T) {
	c, err := Variant("paper")
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Resolution, c.Classes = 0.25, 32, 5
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, c, 1)
		n.Kernels = Fused
		seen := 0
		n.RegisterForwardHook(func(*autograd.Scope, Layer, *autograd.Tensor) *autograd.Tensor {
			seen++
			return nil
		})
		before := autograd.BackboneCount()
		n.Forward(s, noise(s, 2, 32), autograd.Training)
		if seen != 28 || autograd.BackboneCount() != before {
			t.Errorf("the hook saw %d layers, the fused kernels computed %d", seen, autograd.BackboneCount()-before)
		}
	})
}

// TestPixelsAreNormalized: ForwardPixels gives the bits of Forward of normalized images, whatever computes.
func TestPixelsAreNormalized(t *testing.T) {
	c, err := Variant("paper")
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Resolution, c.Classes = 0.25, 32, 5
	p := autograd.Pixels{Values: make([]uint8, 2*47*33*3), N: 2, Height: 47, Width: 33, Mean: [3]float64{0.5, 0.4, 0.3}, Std: [3]float64{0.2, 0.3, 0.25}}
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range p.Values {
		p.Values[i] = uint8(rng.Uint32())
	}
	for _, kernels := range []Kernels{Torch, Fused} {
		for _, mode := range []autograd.Mode{autograd.Evaluation, autograd.Training} {
			autogradtest.Run(t, func(s *autograd.Scope) {
				n, same := New(s, c, 1), New(s, c, 1)
				n.Kernels, same.Kernels = kernels, kernels
				got := autograd.ToSlice[float32](s, n.ForwardPixels(s, p, mode))
				x := s.NormalizeImages(p.Values, p.N, p.Height, p.Width, p.Mean, p.Std, autograd.CPU)
				want := autograd.ToSlice[float32](s, same.Forward(s, x, mode))
				if !slices.Equal(got, want) {
					t.Errorf("%s, mode %v: %v, want %v", kernels, mode, got, want)
				}
			})
		}
	}
}
