package mobilenet

import (
	"fmt"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// TestInferenceAgrees: folded or not, an Inference gives the logits of Forward in evaluation, of images and of pixels, and the
// fused kernels have computed every layer.
func TestInferenceAgrees(t *testing.T) {
	for _, variant := range Variants() {
		for _, width := range []float64{0.25, 1} {
			for _, size := range []int64{32, 47} {
				t.Run(fmt.Sprintf("%s/width_%v/%d", variant, width, size), func(t *testing.T) {
					c, err := Variant(variant)
					if err != nil {
						t.Fatal(err)
					}
					c.Width, c.Resolution, c.Classes = width, 32, 7
					autogradtest.Run(t, func(s *autograd.Scope) {
						n := New(s, c, 1)
						p := noisePixels(3, int(size))
						x := s.NormalizeImages(p.Values, p.N, p.Height, p.Width, p.Mean, p.Std, autograd.CPU)
						want := autograd.ToSlice[float32](s, n.Forward(s, x, autograd.Evaluation))
						for _, n.Kernels = range []Kernels{Torch, Fused} {
							before := autograd.BackboneCount()
							inference := n.Inference(s, autograd.Float32)
							checkNear(t, "logits", autograd.ToSlice[float32](s, inference.Forward(s, x)), want)
							checkNear(t, "logits of pixels", autograd.ToSlice[float32](s, inference.ForwardPixels(s, p)), want)
							if layers := autograd.BackboneCount() - before; (layers == 2*27) != (n.Kernels == Fused) {
								t.Errorf("kernels %s: the fused ones computed %d layers", n.Kernels, layers)
							}
						}
					})
				})
			}
		}
	}
}

func noisePixels(n, size int) autograd.Pixels {
	p := autograd.Pixels{Values: make([]uint8, n*size*size*3), N: n, Height: size, Width: size,
		Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}}
	for i := range p.Values {
		p.Values[i] = uint8(uint32(i) * 2654435761 >> 24)
	}
	return p
}

// TestInferenceOfAnyClasses: whatever their number, with a dropout that evaluation does not do, in both types.
func TestInferenceOfAnyClasses(t *testing.T) {
	for _, classes := range []int{1, 2, 3, 20, 1000} {
		c, err := Variant("paper")
		if err != nil {
			t.Fatal(err)
		}
		c.Width, c.Resolution, c.Classes, c.Dropout = 0.25, 32, classes, 0.5
		autogradtest.Run(t, func(s *autograd.Scope) {
			n := New(s, c, 1)
			n.Kernels = Fused
			p := noisePixels(3, 32)
			for _, compute := range []autograd.DType{autograd.Float32, autograd.BFloat16} {
				inference := n.Inference(s, compute)
				got := autograd.ToSlice[float32](s, inference.ForwardPixels(s, p))
				if len(got) != 3*classes {
					t.Fatalf("%d logits of 3 images and %d classes", len(got), classes)
				}
				features := inference.folded().ForwardPixels(s, n.backbone(32, 32), p)
				want := autograd.ToSlice[float32](s, s.Linear(features, n.head.weight, n.head.bias))
				checkNear(t, fmt.Sprintf("%d classes in %v", classes, compute), got, want)
			}
		})
	}
}

// TestInferenceSeesNewWeights: after steps of training by either kernels, with other tensors after To, and with hooks.
func TestInferenceSeesNewWeights(t *testing.T) {
	c, err := Variant("paper")
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Resolution, c.Classes = 0.25, 32, 5
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, c, 1)
		n.Kernels = Fused
		inference := n.Inference(s, autograd.Float32)
		x := noise(s, 4, 32)
		check := func(what string) {
			t.Helper()
			got := autograd.ToSlice[float32](s, inference.Forward(s, x))
			checkNear(t, what, got, autograd.ToSlice[float32](s, n.Forward(s, x, autograd.Evaluation)))
		}
		check("at first")
		before := autograd.ToSlice[float32](s, inference.Forward(s, x))
		for range 2 { // a step moves the running statistics and the weights
			y := n.Forward(s, x, autograd.Training)
			s.Backward(s.Sum(s.Square(y)))
			var weights autograd.List
			for _, p := range n.Parameters() {
				weights = append(weights, p.Tensor)
			}
			s.Fail(s.NoGrad(func(s *autograd.Scope) error {
				weights.AddScaled(s, autograd.GradsOf(s, weights), -0.01)
				return s.Err()
			}))
			autograd.ZeroGrads(s, weights)
			check("after a step")
		}
		if slices.Equal(before, autograd.ToSlice[float32](s, inference.Forward(s, x))) {
			t.Error("the steps changed nothing")
		}
		n.Kernels = Torch // whose batch norm moves the running statistics without libtorch's counting it
		n.Forward(s, x, autograd.Training)
		n.Kernels = Fused
		check("after libtorch's batch norm")
		n.ToDType(s, autograd.Float32)
		scaleAll(s, n, 0.5)
		check("with other tensors")
		seen := 0
		n.RegisterForwardHook(func(*autograd.Scope, Layer, *autograd.Tensor) *autograd.Tensor { seen++; return nil })
		check("with a hook")
		if seen != 2*28 {
			t.Errorf("the hook saw %d layers", seen)
		}
	})
}

// scaleAll scales every array of n.
func scaleAll(s *autograd.Scope, n *Network, by float64) {
	s.Fail(s.NoGrad(func(s *autograd.Scope) error {
		for _, a := range n.State() {
			autograd.List{a.Tensor}.Scale(s, by)
		}
		return s.Err()
	}))
}
