package optim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// optimizers are those of the registry, each with all of its state.
var optimizers = map[string]func(*autograd.Scope, []Parameter, float64) Optimizer{
	"sgd": func(s *autograd.Scope, p []Parameter, decay float64) Optimizer {
		return NewSGD(s, p, SGD{Momentum: 0.9, WeightDecay: decay})
	},
	"rmsprop": func(s *autograd.Scope, p []Parameter, decay float64) Optimizer {
		return NewRMSProp(s, p, RMSProp{Alpha: 0.9, Eps: 1e-3, Momentum: 0.9, Centered: true, WeightDecay: decay})
	},
	"rmsprop_tf": func(s *autograd.Scope, p []Parameter, decay float64) Optimizer {
		return NewRMSPropTF(s, p, RMSPropTF{Alpha: 0.9, Eps: 1, Momentum: 0.9, Centered: true, WeightDecay: decay})
	},
	"adamw": func(s *autograd.Scope, p []Parameter, decay float64) Optimizer {
		return NewAdamW(s, p, AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: decay})
	},
}

// forEachOptimizer runs a test on each of them.
func forEachOptimizer(t *testing.T, test func(*testing.T, *autograd.Scope, func(*autograd.Scope, []Parameter, float64) Optimizer)) {
	for name, build := range optimizers {
		t.Run(name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) { test(t, s, build) })
		})
	}
}

// A parameter with NoDecay is updated as without weight decay, and one without it is not.
func TestNoDecay(t *testing.T) {
	forEachOptimizer(t, func(t *testing.T, s *autograd.Scope, build func(*autograd.Scope, []Parameter, float64) Optimizer) {
		run := func(decay float64, noDecay bool) (a, b []float32) {
			gradient := []float32{0.5, -1}
			params := []Parameter{vector(s, "a", []float32{3, 4}, gradient), vector(s, "b", []float32{3, 4}, gradient)}
			params[0].NoDecay = noDecay
			optimizer := build(s, params, decay)
			for range 3 {
				optimizer.Step(s, 0.1)
			}
			return values(s, params[0]), values(s, params[1])
		}
		free, _ := run(0, false)
		exempt, decayed := run(0.1, true)
		if !slices.Equal(exempt, free) {
			t.Errorf("with NoDecay: %v, without weight decay: %v", exempt, free)
		}
		if slices.Equal(decayed, free) {
			t.Errorf("weight decay has no effect: %v", decayed)
		}
	})
}

// A parameter with LRScale is updated as by an optimizer with that learning rate, and the others by
// the common one.
func TestLRScale(t *testing.T) {
	forEachOptimizer(t, func(t *testing.T, s *autograd.Scope, build func(*autograd.Scope, []Parameter, float64) Optimizer) {
		run := func(scale, lr float64) [][]float32 {
			var params []Parameter
			for _, name := range []string{"a", "b", "c", "d"} {
				params = append(params, vector(s, name, []float32{3, 4}, []float32{0.5, -1}))
			}
			params[1].LRScale, params[2].NoDecay, params[3].NoDecay, params[3].LRScale = scale, true, true, scale
			optimizer := build(s, params, 0.1)
			for range 3 {
				optimizer.Step(s, lr)
			}
			list := make([][]float32, len(params))
			for i, p := range params {
				list[i] = values(s, p)
			}
			return list
		}
		full, half, mixed := run(0, 0.1), run(1, 0.05), run(0.5, 0.1)
		for i, want := range [][]float32{full[0], half[1], full[2], half[3]} {
			if !slices.Equal(mixed[i], want) {
				t.Errorf("parameter %d is %v, want %v", i, mixed[i], want)
			}
		}
		if slices.Equal(full[1], half[1]) {
			t.Error("the learning rate has no effect")
		}
	})
	err := autograd.Run(t.Context(), func(s *autograd.Scope) error {
		p := vector(s, "a", []float32{1}, nil)
		p.LRScale = -1
		NewSGD(s, []Parameter{p}, SGD{})
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "parameter a: learning-rate scale -1") {
		t.Errorf("error %v", err)
	}
}

// Saving after some steps and loading into a new optimizer continues bit for bit.
func TestStateContinuesExactly(t *testing.T) {
	forEachOptimizer(t, func(t *testing.T, s *autograd.Scope, build func(*autograd.Scope, []Parameter, float64) Optimizer) {
		params := func() []Parameter {
			p := []Parameter{vector(s, "a", []float32{1, -2, 3}, nil), vector(s, "b", []float32{0.5}, nil)}
			p[0].LRScale, p[1].NoDecay = 0.25, true
			return p
		}
		steps := func(o Optimizer, params []Parameter, from, to int) {
			for i := from; i < to; i++ {
				giveGradient(s, params[0].Tensor, []float32{float32(math.Sin(float64(i))), 0.3, -float32(i)})
				giveGradient(s, params[1].Tensor, []float32{float32(i) - 3})
				o.Step(s, 0.05)
			}
		}
		whole := params()
		steps(build(s, whole, 0.01), whole, 0, 9)

		first := params()
		before := build(s, first, 0.01)
		steps(before, first, 0, 4)
		second := params()
		autograd.CopyFromSlice(s, second[0].Tensor, values(s, first[0]))
		autograd.CopyFromSlice(s, second[1].Tensor, values(s, first[1]))
		after := build(s, second, 0.01)
		if err := after.Load(s, before.State()); err != nil {
			t.Fatal(err)
		}
		if got := after.State().Steps; got != 4 {
			t.Errorf("%d steps after loading, want 4", got)
		}
		steps(after, second, 4, 9)
		for i := range whole {
			if got, want := values(s, second[i]), values(s, whole[i]); !slices.Equal(got, want) {
				t.Errorf("%s: %v, uninterrupted %v", whole[i].Name, got, want)
			}
		}
	})
}

// The state is complete before the first step, in a fixed order.
func TestStateNames(t *testing.T) {
	want := map[string]string{
		"sgd":        "momentum_buffer/b momentum_buffer/a",
		"rmsprop":    "square_avg/b grad_avg/b momentum_buffer/b square_avg/a grad_avg/a momentum_buffer/a",
		"rmsprop_tf": "square_avg/b grad_avg/b momentum_buffer/b square_avg/a grad_avg/a momentum_buffer/a",
		"adamw":      "exp_avg/b exp_avg_sq/b exp_avg/a exp_avg_sq/a",
	}
	for name, build := range optimizers {
		t.Run(name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				params := []Parameter{vector(s, "a", []float32{1}, nil), vector(s, "b", []float32{1}, nil)}
				params[0].NoDecay = true // parameters with weight decay come first
				var names []string
				for _, n := range build(s, params, 0).State().Tensors {
					names = append(names, n.Name)
				}
				if got := strings.Join(names, " "); got != want[name] {
					t.Errorf("got %q, want %q", got, want[name])
				}
			})
		})
	}
}

func TestLoadNamesEveryDifference(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		adam := NewAdamW(s, []Parameter{vector(s, "w", []float32{1, 2}, nil)}, AdamW{Beta1: 0.9, Beta2: 0.9})
		sgd := NewSGD(s, []Parameter{vector(s, "w", []float32{1, 2}, nil)}, SGD{Momentum: 0.9})
		longer := NewSGD(s, []Parameter{vector(s, "w", []float32{1, 2, 3}, nil)}, SGD{Momentum: 0.9})
		for _, tc := range []struct {
			name  string
			state State
			want  []string
		}{
			{"of another optimizer", adam.State(), []string{"missing: momentum_buffer/w", "unexpected: exp_avg/w, exp_avg_sq/w"}},
			{"of another shape", longer.State(), []string{"of another shape: momentum_buffer/w is [3], the parameter [2]"}},
			{"with a negative count", State{Steps: -1, Tensors: sgd.State().Tensors}, []string{"counts -1 steps"}},
		} {
			err := sgd.Load(s, tc.state)
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %q is missing in %v", tc.name, want, err)
				}
			}
		}
	})
}

// failing runs f and returns the error of its scope.
func failing(s *autograd.Scope, f func(*autograd.Scope)) error {
	return s.Sub(func(s *autograd.Scope) error {
		f(s)
		return s.Err()
	})
}

func TestSettingsAreChecked(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		p := []Parameter{vector(s, "w", []float32{1}, nil)}
		for _, tc := range []struct {
			build func(*autograd.Scope)
			want  string
		}{
			{func(s *autograd.Scope) { NewSGD(s, p, SGD{Momentum: -1}) }, "SGD: momentum -1"},
			{func(s *autograd.Scope) { NewSGD(s, p, SGD{Dampening: 2}) }, "SGD: dampening 2"},
			{func(s *autograd.Scope) { NewSGD(s, p, SGD{Nesterov: true}) }, "Nesterov needs a momentum"},
			{func(s *autograd.Scope) { NewRMSProp(s, p, RMSProp{Alpha: 1}) }, "RMSProp: alpha 1"},
			{func(s *autograd.Scope) { NewRMSPropTF(s, p, RMSPropTF{Eps: math.NaN()}) }, "RMSPropTF: eps NaN"},
			{func(s *autograd.Scope) { NewAdamW(s, p, AdamW{Beta2: 1.5}) }, "AdamW: beta2 1.5"},
			{func(s *autograd.Scope) { NewAdamW(s, p, AdamW{WeightDecay: -0.1}) }, "AdamW: weight decay -0.1"},
			{func(s *autograd.Scope) { NewSGD(s, append(p, p...), SGD{}) }, `two parameters are named "w"`},
			{func(s *autograd.Scope) { NewSGD(s, []Parameter{{}}, SGD{}) }, "parameter 0 has no name"},
		} {
			if err := failing(s, tc.build); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%q: got %v", tc.want, err)
			}
		}
	})
}

// A step without gradients fails and is not counted.
func TestStepNeedsGradients(t *testing.T) {
	forEachOptimizer(t, func(t *testing.T, s *autograd.Scope, build func(*autograd.Scope, []Parameter, float64) Optimizer) {
		p := vector(s, "w", []float32{1}, nil)
		o := build(s, []Parameter{p}, 0)
		if err := failing(s, func(s *autograd.Scope) { o.Step(s, 0.1) }); err == nil {
			t.Error("no error")
		}
		if got := o.State().Steps; got != 0 {
			t.Errorf("%d steps counted", got)
		}
	})
}

// Gradients are not changed: recorders and accumulation read them.
func TestStepKeepsGradients(t *testing.T) {
	forEachOptimizer(t, func(t *testing.T, s *autograd.Scope, build func(*autograd.Scope, []Parameter, float64) Optimizer) {
		gradient := []float32{0.25, -4}
		p := vector(s, "w", []float32{1, 2}, gradient)
		o := build(s, []Parameter{p}, 0.5)
		for range 2 {
			o.Step(s, 0.1)
			if got := autograd.ToSlice[float32](s, s.Grad(p.Tensor)); !slices.Equal(got, gradient) {
				t.Errorf("gradient is %v after the step, was %v", got, gradient)
			}
		}
	})
}

func TestClipGradNorm(t *testing.T) {
	for _, tc := range []struct {
		max  float64
		want float64 // factor of the gradients 3 and 4
	}{
		{10, 1}, {5.1, 1}, {1, 0.2}, {0.5, 0.1},
	} {
		t.Run(fmt.Sprint(tc.max), func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				grads := autograd.List{autograd.FromSlice(s, []float32{3, 0}, 2), autograd.FromSlice(s, []float32{-4}, 1)}
				if norm := ClipGradNorm(s, grads, tc.max); math.Abs(norm-5) > 1e-6 {
					t.Errorf("norm %v, want 5", norm)
				}
				want := []float32{float32(3 * tc.want), 0, float32(-4 * tc.want)}
				got := append(autograd.ToSlice[float32](s, grads[0]), autograd.ToSlice[float32](s, grads[1])...)
				compare32(t, "gradients", got, want, 1e-6) // torch's eps of 1e-6 on a norm of 5 is 2e-7
			})
		})
	}
}

func TestClipGradNormNeedsALimit(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		err := failing(s, func(s *autograd.Scope) {
			ClipGradNorm(s, autograd.List{autograd.FromSlice(s, []float32{1}, 1)}, 0)
		})
		if err == nil || !strings.Contains(err.Error(), "gradient norm to 0") {
			t.Errorf("got %v", err)
		}
	})
}

// A norm that is not finite is returned, and the gradients keep it.
func TestClipGradNormReportsNaN(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		grads := autograd.List{autograd.FromSlice(s, []float32{1, float32(math.NaN())}, 2)}
		if norm := ClipGradNorm(s, grads, 1); !math.IsNaN(norm) {
			t.Errorf("norm %v", norm)
		}
		if grads.AllFinite(s) {
			t.Error("the gradients became finite")
		}
	})
}
