package backend

import (
	"fmt"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// TestInferenceAgrees: folded or not, an Inference gives the logits of Forward in evaluation, of images and of pixels, and the
// fused kernels have computed every layer.
func TestInferenceAgrees(t *testing.T) {
	for _, variant := range mobilenet.Variants("mobilenet_v1") {
		for _, width := range []float64{0.25, 1} {
			for _, size := range []int{32, 47} {
				t.Run(fmt.Sprintf("%s/width_%v/%d", variant, width, size), func(t *testing.T) {
					c := config(t, "mobilenet_v1", variant)
					c.Width, c.Resolution, c.Classes = width, 32, 7
					autogradtest.Run(t, func(s *autograd.Scope) {
						n := New(s, graph(t, c), 1)
						p := noisePixels(3, size, size)
						x := s.NormalizeImages(p.Values, p.N, p.Height, p.Width, p.Mean, p.Std, autograd.CPU)
						want := autograd.ToSlice[float32](s, n.Forward(s, x, autograd.Evaluation))
						for _, b := range backends {
							before := autograd.BackboneCount()
							inference := b.Inference(s, n, autograd.Float32)
							checkNear(t, "logits", autograd.ToSlice[float32](s, inference.Forward(s, x)), want)
							checkNear(t, "logits of pixels", autograd.ToSlice[float32](s, inference.ForwardPixels(s, p)), want)
							if layers := autograd.BackboneCount() - before; (layers == 2*27) != (b.Name() == "fused") {
								t.Errorf("%s: the fused kernels computed %d layers", b.Name(), layers)
							}
						}
					})
				})
			}
		}
	}
}

// TestInferenceOfAnyClasses: whatever their number, with a dropout that evaluation does not do, in both types.
func TestInferenceOfAnyClasses(t *testing.T) {
	for _, classes := range []int{1, 2, 3, 20, 1000} {
		c := config(t, "mobilenet_v1", "paper")
		c.Width, c.Resolution, c.Classes, c.Dropout = 0.25, 32, classes, 0.5
		autogradtest.Run(t, func(s *autograd.Scope) {
			n := New(s, graph(t, c), 1)
			p := noisePixels(3, 32, 32)
			for _, compute := range []autograd.DType{autograd.Float32, autograd.BFloat16} {
				inference := Fused{}.Inference(s, n, compute).(*FusedInference)
				got := autograd.ToSlice[float32](s, inference.ForwardPixels(s, p))
				if len(got) != 3*classes {
					t.Fatalf("%d logits of 3 images and %d classes", len(got), classes)
				}
				last := n.layers[len(n.layers)-1]
				features := inference.folded().ForwardPixels(s, n.backbone(32, 32), p)
				want := autograd.ToSlice[float32](s, s.Linear(features, last.weight, last.bias))
				checkNear(t, fmt.Sprintf("%d classes in %v", classes, compute), got, want)
			}
		})
	}
}

// TestInferenceSeesNewWeights: after steps of training by either kernels, with other tensors after To, and with hooks.
func TestInferenceSeesNewWeights(t *testing.T) {
	c := config(t, "mobilenet_v1", "paper")
	c.Width, c.Resolution, c.Classes = 0.25, 32, 5
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, graph(t, c), 1)
		inference := Fused{}.Inference(s, n, autograd.Float32)
		x := randomImages(s, 4, 32)
		check := func(what string) {
			t.Helper()
			got := autograd.ToSlice[float32](s, inference.Forward(s, x))
			checkNear(t, what, got, autograd.ToSlice[float32](s, n.Forward(s, x, autograd.Evaluation)))
		}
		check("at first")
		before := autograd.ToSlice[float32](s, inference.Forward(s, x))
		for range 2 { // a step moves the running statistics and the weights
			y := Fused{}.Forward(s, n, x, autograd.Training)
			s.Backward(s.Sum(s.Square(y)))
			descend(s, n)
			check("after a step")
		}
		if slices.Equal(before, autograd.ToSlice[float32](s, inference.Forward(s, x))) {
			t.Error("the steps changed nothing")
		}
		n.Forward(s, x, autograd.Training) // by Torch, whose batch norm does not bump the running statistics' version counters
		check("after libtorch's batch norm")
		n.ToDType(s, autograd.Float32)
		scaleAll(s, n, 0.5)
		check("with other tensors")
		seen := 0
		n.RegisterForwardHook(func(*autograd.Scope, models.Layer, *autograd.Tensor) *autograd.Tensor { seen++; return nil })
		check("with a hook")
		if seen != 2*29 {
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
