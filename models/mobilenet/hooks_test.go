package mobilenet

import (
	"fmt"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

func TestForwardHooks(t *testing.T) {
	config, err := Variant("paper")
	if err != nil {
		t.Fatal(err)
	}
	config.Width, config.Resolution, config.Classes = 0.25, 32, 5
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, config, 1)
		x := s.Zeros(autograd.Float32, autograd.CPU, 2, 3, 32, 32)
		plain := autograd.ToSlice[float32](s, n.Forward(s, x, autograd.Evaluation))

		var seen []string
		var logits []float32
		watch := n.RegisterForwardHook(func(s *autograd.Scope, l Layer, y *autograd.Tensor) *autograd.Tensor {
			seen = append(seen, fmt.Sprint(l.Name, y.Shape()))
			logits = autograd.ToSlice[float32](s, y)
			return nil
		})
		double := n.RegisterForwardHook(func(s *autograd.Scope, l Layer, y *autograd.Tensor) *autograd.Tensor {
			if l.Kind != Linear {
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
		checkSeen(t, config, seen)

		watch.Remove()
		watch.Remove()
		if !n.Hooked() {
			t.Error("the other hook is gone too")
		}
		double.Remove()
		if n.Hooked() || !slices.Equal(autograd.ToSlice[float32](s, n.Forward(s, x, autograd.Evaluation)), plain) || len(seen) != 28 {
			t.Error("removed hooks are called")
		}
	})
}

// checkSeen: every convolution and the classifier, in order, with the table's shapes.
func checkSeen(t *testing.T, c Config, seen []string) {
	var want []string
	for _, l := range c.Layers() {
		switch {
		case l.Convolution():
			want = append(want, fmt.Sprint(l.Name, []int64{2, int64(l.Out), int64(l.OutSize), int64(l.OutSize)}))
		case l.Kind == Linear:
			want = append(want, fmt.Sprint(l.Name, []int64{2, int64(l.Out)}))
		}
	}
	if !slices.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
}

// TestHooksSeeGradients: a hook on an activation sees its gradient, and its error ends the pass.
func TestHooksSeeGradients(t *testing.T) {
	config, err := Variant("article")
	if err != nil {
		t.Fatal(err)
	}
	config.Width, config.Resolution, config.Classes = 0.25, 32, 5
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, config, 1)
		shapes := map[string][]int64{}
		n.RegisterForwardHook(func(s *autograd.Scope, l Layer, y *autograd.Tensor) *autograd.Tensor {
			s.RegisterHook(y, func(s *autograd.Scope, g *autograd.Tensor) *autograd.Tensor {
				shapes[l.Name] = g.Shape()
				return nil
			})
			return nil
		})
		x := s.Zeros(autograd.Float32, autograd.CPU, 2, 3, 32, 32)
		s.Backward(s.Sum(n.Forward(s, x, autograd.Training)))
		if len(shapes) != 28 || !slices.Equal(shapes["conv_stem"], []int64{2, 8, 16, 16}) {
			t.Errorf("gradients at %v", shapes)
		}
	})
}
