package backend

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/models"
)

func TestForwardHooks(t *testing.T) {
	c := small(t, "mobilenet_v1", "paper")
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, graph(t, c), 1)
		x := s.Zeros(autograd.Float32, autograd.CPU, 2, 3, 32, 32)
		plain := autograd.ToSlice[float32](s, n.Forward(s, x, autograd.Evaluation))

		var seen []string
		var logits []float32
		watch := n.RegisterForwardHook(func(s *autograd.Scope, l models.Layer, y *autograd.Tensor) *autograd.Tensor {
			seen = append(seen, fmt.Sprint(l.Name, y.Shape()))
			logits = autograd.ToSlice[float32](s, y)
			return nil
		})
		double := n.RegisterForwardHook(func(s *autograd.Scope, l models.Layer, y *autograd.Tensor) *autograd.Tensor {
			if l.Kind != models.KindLinear {
				return nil
			}
			return s.Scale(y, 2)
		})
		doubled := autograd.ToSlice[float32](s, n.Forward(s, x, autograd.Evaluation))
		if !slices.Equal(logits, plain) {
			t.Errorf("the first hook sees logits %v, want %v", logits, plain)
		}
		for i := range plain {
			if doubled[i] != 2*plain[i] {
				t.Errorf("logit %d is %v, want %v", i, doubled[i], 2*plain[i])
			}
		}
		checkSeen(t, n.Graph, seen)

		watch.Remove()
		watch.Remove()
		if !n.Hooked() {
			t.Error("the other hook is gone too")
		}
		double.Remove()
		if n.Hooked() || !slices.Equal(autograd.ToSlice[float32](s, n.Forward(s, x, autograd.Evaluation)), plain) || len(seen) != 29 {
			t.Error("removed hooks are called")
		}
	})
}

// checkSeen: every layer once, in order, with the graph's shapes.
func checkSeen(t *testing.T, g *models.Graph, seen []string) {
	t.Helper()
	var want []string
	for _, l := range g.Layers {
		shape := []int64{2, int64(l.Output.Channels)}
		if l.Output.Spatial() {
			shape = append(shape, int64(l.Output.Height), int64(l.Output.Width))
		}
		want = append(want, fmt.Sprint(l.Name, shape))
	}
	if !slices.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
}

// TestHooksSeeEveryLayer: pools, sums and dropout too, in training and evaluation, with either backend.
func TestHooksSeeEveryLayer(t *testing.T) {
	v1, v2 := small(t, "mobilenet_v1", "keras"), small(t, "mobilenet_v2", "torchvision")
	for _, tc := range []struct {
		name    string
		graph   *models.Graph
		backend Backend
	}{
		{"v1 torch", graph(t, v1), Torch{}}, {"v1 fused", graph(t, v1), Fused{}}, {"v2 torch", graph(t, v2), Torch{}},
	} {
		for _, mode := range []autograd.Mode{autograd.Training, autograd.Evaluation} {
			t.Run(fmt.Sprint(tc.name, " ", mode), func(t *testing.T) {
				autogradtest.Run(t, func(s *autograd.Scope) {
					n := New(s, tc.graph, 1)
					var seen []string
					n.RegisterForwardHook(func(_ *autograd.Scope, l models.Layer, y *autograd.Tensor) *autograd.Tensor {
						seen = append(seen, fmt.Sprint(l.Name, y.Shape()))
						return nil
					})
					tc.backend.Forward(s, n, randomImages(s, 2, 32), mode)
					checkSeen(t, n.Graph, seen)
				})
			})
		}
	}
}

// TestHookErrorEndsThePass: the layers after it are not computed.
func TestHookErrorEndsThePass(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, graph(t, small(t, "mobilenet_v2", "")), 1)
		broken := errors.New("broken")
		seen := 0
		n.RegisterForwardHook(func(s *autograd.Scope, l models.Layer, _ *autograd.Tensor) *autograd.Tensor {
			if seen++; seen == 3 {
				s.Fail(broken)
			}
			return nil
		})
		err := s.Sub(func(s *autograd.Scope) error {
			n.Forward(s, randomImages(s, 2, 32), autograd.Training)
			return s.Err()
		})
		if !errors.Is(err, broken) || seen != 3 {
			t.Errorf("error %v after %d layers", err, seen)
		}
	})
}

// TestHooksSeeGradients: a hook on an activation sees its gradient, and its error ends the pass.
func TestHooksSeeGradients(t *testing.T) {
	c := small(t, "mobilenet_v1", "article")
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, graph(t, c), 1)
		shapes := map[string][]int64{}
		n.RegisterForwardHook(func(s *autograd.Scope, l models.Layer, y *autograd.Tensor) *autograd.Tensor {
			s.RegisterHook(y, func(s *autograd.Scope, g *autograd.Tensor) *autograd.Tensor {
				shapes[l.Name] = g.Shape()
				return nil
			})
			return nil
		})
		x := s.Zeros(autograd.Float32, autograd.CPU, 2, 3, 32, 32)
		s.Backward(s.Sum(n.Forward(s, x, autograd.Training)))
		if len(shapes) != 29 || !slices.Equal(shapes["conv_stem"], []int64{2, 8, 16, 16}) {
			t.Errorf("gradients at %v", shapes)
		}
	})
}
