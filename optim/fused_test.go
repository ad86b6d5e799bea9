package optim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// everySetting lists each rule with each of its options.
var everySetting = map[string]rule{
	"sgd plain":             SGD{},
	"sgd decay":             SGD{WeightDecay: 0.01},
	"sgd momentum":          SGD{Momentum: 0.9, WeightDecay: 0.01},
	"sgd dampening":         SGD{Momentum: 0.9, Dampening: 0.3},
	"sgd nesterov":          SGD{Momentum: 0.9, Nesterov: true, WeightDecay: 0.01},
	"rmsprop plain":         RMSProp{Alpha: 0.99, Eps: 1e-8},
	"rmsprop":               RMSProp{Alpha: 0.9, Eps: 1e-3, Momentum: 0.9, WeightDecay: 0.01},
	"rmsprop centered":      RMSProp{Alpha: 0.9, Eps: 1e-3, Centered: true},
	"rmsprop everything":    RMSProp{Alpha: 0.4, Eps: 1e-3, Momentum: 0.9, WeightDecay: 0.01, Centered: true},
	"rmsprop_tf plain":      RMSPropTF{Alpha: 0.9, Eps: 1},
	"rmsprop_tf":            RMSPropTF{Alpha: 0.9, Eps: 1e-3, Momentum: 0.9, WeightDecay: 0.01},
	"rmsprop_tf centered":   RMSPropTF{Alpha: 0.9, Eps: 1, Centered: true},
	"rmsprop_tf everything": RMSPropTF{Alpha: 0.4, Eps: 1, Momentum: 0.9, WeightDecay: 0.01, Centered: true},
	"adamw plain":           AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8},
	"adamw decay":           AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.05},
	"adamw, small betas":    AdamW{Beta1: 0.3, Beta2: 0.4, Eps: 1e-3, WeightDecay: 0.05},
	"adamw, betas of 0":     AdamW{Eps: 1e-3},
}

// TestEveryFusedFormIsCovered: everySetting has at least one setting of each row of the registry
// with a fused form.
func TestEveryFusedFormIsCovered(t *testing.T) {
	covered := make(map[reflect.Type]bool)
	for _, setting := range everySetting {
		covered[reflect.TypeOf(setting)] = true
	}
	autogradtest.Run(t, func(s *autograd.Scope) {
		for _, row := range Optimizers {
			o, ok := row.New(s, []Parameter{vector(s, "w", []float32{1}, nil)}, Hyperparameters{Momentum: 0.9}).(*optimizer)
			if !ok {
				t.Errorf("%s: not made by newOptimizer", row.Name)
				continue
			}
			if _, fused := o.rule.(fusedRule); fused && !covered[reflect.TypeOf(o.rule)] {
				t.Errorf("%s has a fused form that no test compares; add %T with each of its options to everySetting", row.Name, o.rule)
			}
		}
	})
}

// shapes cover less than a vector, vectors and blocks of the kernel with and without a remainder,
// more than one piece of a thread, and the channels-last layout.
var shapes = [][]int64{{1}, {3}, {16}, {33}, {7, 5, 3, 3}, {40000}}

// fixture is parameters in groups of all kinds, with random gradients for each step.
type fixture struct {
	params []Parameter
	rng    *rand.Rand
}

func newFixture(s *autograd.Scope) *fixture {
	f := &fixture{rng: rand.New(rand.NewPCG(1, 2))}
	for i, shape := range shapes {
		t := autograd.FromSlice(s, f.noise(shape), shape...)
		if len(shape) == 4 {
			t = s.ChannelsLast(t)
		}
		p := Parameter{Name: fmt.Sprint("p", i), Tensor: s.RequireGrad(t), NoDecay: i%2 == 1}
		if i > 3 {
			p.LRScale = 0.25
		}
		f.params = append(f.params, p)
	}
	return f
}

func (f *fixture) noise(shape []int64) []float32 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(f.rng.NormFloat64())
	}
	return values
}

func (f *fixture) giveGradients(s *autograd.Scope) {
	for _, p := range f.params {
		giveGradient(s, p.Tensor, f.noise(p.Tensor.Shape()))
	}
}

// TestFusedMatchesUnfused takes the same steps in both implementations. tol: 1e-6 of a tensor's
// largest value after six steps; a float32 rounding is 6e-8, the fused update has fewer of them
// (fused multiply-add) and sums the norm in double. Centered variances are differences that cancel:
// 1e-5, measured 2.6e-6.
func TestFusedMatchesUnfused(t *testing.T) {
	for name, setting := range everySetting {
		for _, o := range []StepOptions{{LR: 0.01}, {LR: 0.01, GradScale: 0.125}, {LR: 0.01, GradScale: 3, MaxGradNorm: 1},
			{LR: 0.01, MaxGradNorm: 1e9}} {
			t.Run(fmt.Sprintf("%s, scale %v, norm %v", name, o.GradScale, o.MaxGradNorm), func(t *testing.T) {
				autogradtest.Run(t, func(s *autograd.Scope) {
					fused, reference := newFixture(s), newFixture(s)
					a, b := newOptimizer(s, fused.params, setting), newOptimizer(s, reference.params, setting)
					if !a.fusible {
						t.Fatal("there is no fused form")
					}
					for range 6 {
						fused.giveGradients(s)
						reference.giveGradients(s)
						got, want := a.Prepare(o).Fused(s), b.Prepare(o).Unfused(s)
						if math.Abs(got-want) > 1e-6*want {
							t.Errorf("norm %v, want %v", got, want)
						}
					}
					tol := 1e-6
					if strings.Contains(name, "centered") || strings.Contains(name, "everything") {
						tol = 1e-5
					}
					compareOptimizers(t, s, a, b, fused, reference, tol)
				})
			})
		}
	}
}

func compareOptimizers(t *testing.T, s *autograd.Scope, a, b *optimizer, fused, reference *fixture, tol float64) {
	t.Helper()
	for i, p := range reference.params {
		compare32(t, p.Name, values(s, fused.params[i]), values(s, p), tol)
	}
	for i, n := range b.State().Tensors {
		got := autograd.ToSlice[float32](s, a.State().Tensors[i].Tensor)
		compare32(t, n.Name, got, autograd.ToSlice[float32](s, n.Tensor), tol)
	}
	if a.steps != b.steps || a.steps != 6 {
		t.Errorf("%d and %d steps", a.steps, b.steps)
	}
}

// The results, the norm included, do not depend on the number of threads.
func TestFusedUpdateOnAnyThreads(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		defer autograd.SetThreads(s, autograd.Threads())
		var first [][]float32
		var norm float64
		for _, threads := range []int{1, 2, 5} {
			autograd.SetThreads(s, threads)
			f := newFixture(s)
			o := newOptimizer(s, f.params, everySetting["rmsprop everything"])
			var list [][]float32
			f.giveGradients(s)
			n := o.Prepare(StepOptions{LR: 0.1, MaxGradNorm: 1}).Fused(s)
			for _, p := range f.params {
				list = append(list, values(s, p))
			}
			if first == nil {
				first, norm = list, n
			}
			if n != norm || !slices.EqualFunc(list, first, slices.Equal[[]float32]) {
				t.Errorf("%d threads: results differ, norm %v and %v", threads, n, norm)
			}
		}
	})
}

// If the norm is not finite, nothing changes and the step does not count.
func TestStepRefusesNaN(t *testing.T) {
	forEachWay(t, func(t *testing.T, s *autograd.Scope, apply func(*autograd.Scope, Update) float64) {
		for _, bad := range []float64{math.NaN(), math.Inf(1)} {
			params := []Parameter{vector(s, "a", []float32{1, 2}, []float32{1, 1}), vector(s, "b", []float32{3}, []float32{float32(bad)})}
			o := newOptimizer(s, params, SGD{Momentum: 0.9})
			if norm := apply(s, o.Prepare(StepOptions{LR: 1, MaxGradNorm: 1})); finite(norm) {
				t.Errorf("norm %v", norm)
			}
			if !slices.Equal(values(s, params[0]), []float32{1, 2}) || o.State().Steps != 0 {
				t.Errorf("moved to %v, %d steps", values(s, params[0]), o.State().Steps)
			}
		}
	})
}

// The squares of these gradients overflow float32.
func TestStepClipsHugeGradients(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		p := vector(s, "a", []float32{0, 0}, []float32{3e30, 4e30})
		norm := newOptimizer(s, []Parameter{p}, SGD{}).Prepare(StepOptions{LR: 1, MaxGradNorm: 10}).Fused(s)
		if math.Abs(norm/5e30-1) > 1e-6 {
			t.Errorf("norm %v", norm)
		}
		compare32(t, "a", values(s, p), []float32{-6, -8}, 1e-6)
	})
}

// Fused falls back to libtorch's operations for float64, and a missing gradient is reported with
// the parameter's name.
func TestFusedFallsBack(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		double := s.RequireGrad(autograd.FromSlice(s, []float64{1}, 1))
		o := newOptimizer(s, []Parameter{{Name: "d", Tensor: double}}, SGD{})
		s.Backward(s.Sum(double))
		o.Step(s, 0.125)
		if got := s.Item(double); got != 0.875 {
			t.Errorf("float64: %v, want 0.875", got)
		}
		params := []Parameter{vector(s, "a", []float32{1}, []float32{1}), vector(s, "b", []float32{1}, nil)}
		for _, way := range ways {
			err := failing(s, func(s *autograd.Scope) {
				way.apply(s, newOptimizer(s, params, SGD{}).Prepare(StepOptions{LR: 1}))
			})
			if err == nil || !strings.Contains(err.Error(), "b has no gradient") {
				t.Errorf("%s: error %v", way.name, err)
			}
		}
		if got := values(s, params[0]); got[0] != 1 {
			t.Errorf("a moved to %v before b was found to have no gradient", got)
		}
	})
}
