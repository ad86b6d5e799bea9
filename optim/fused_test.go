package optim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// everySetting is each rule with each of its settings.
var everySetting = map[string]rule{
	"sgd plain":              SGD{},
	"sgd decay":              SGD{WeightDecay: 0.01},
	"sgd momentum":           SGD{Momentum: 0.9, WeightDecay: 0.01},
	"sgd dampening":          SGD{Momentum: 0.9, Dampening: 0.3},
	"sgd nesterov":           SGD{Momentum: 0.9, Nesterov: true, WeightDecay: 0.01},
	"rmsprop plain":          RMSProp{Alpha: 0.99, Eps: 1e-8},
	"rmsprop":                RMSProp{Alpha: 0.9, Eps: 1e-3, Momentum: 0.9, WeightDecay: 0.01},
	"rmsprop centered":       RMSProp{Alpha: 0.9, Eps: 1e-3, Centered: true},
	"rmsprop everything":     RMSProp{Alpha: 0.4, Eps: 1e-3, Momentum: 0.9, WeightDecay: 0.01, Centered: true},
	"rmsprop_tf plain":       RMSPropTF{Alpha: 0.9, Eps: 1},
	"rmsprop_tf":             RMSPropTF{Alpha: 0.9, Eps: 1e-3, Momentum: 0.9, WeightDecay: 0.01},
	"rmsprop_tf centered":    RMSPropTF{Alpha: 0.9, Eps: 1, Centered: true},
	"rmsprop_tf everything":  RMSPropTF{Alpha: 0.4, Eps: 1, Momentum: 0.9, WeightDecay: 0.01, Centered: true},
	"adamw plain":            AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8},
	"adamw decay":            AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.05},
	"adamw of short memory":  AdamW{Beta1: 0.3, Beta2: 0.4, Eps: 1e-3, WeightDecay: 0.05},
	"adamw without a memory": AdamW{Eps: 1e-3},
}

// shapes have less than a vector, whole ones with and without a rest, and more than one piece; one is channels-last.
var shapes = [][]int64{{1}, {3}, {16}, {33}, {7, 5, 3, 3}, {40000}}

// fixture is parameters in groups of all kinds with given gradients for each step.
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

// TestFusedUpdateIsTheReference takes the same steps in one pass and by libtorch's operations. tol: 1e-6 of a tensor's
// largest value after six steps; float32 has 6e-8 a rounding, of which the fused pass leaves some out (fused multiply and
// add) and the norm has others. Centered variances are differences that cancel: 1e-5, measured 2.6e-6.
func TestFusedUpdateIsTheReference(t *testing.T) {
	for name, setting := range everySetting {
		for _, o := range []StepOptions{{LR: 0.01}, {LR: 0.01, GradScale: 0.125}, {LR: 0.01, GradScale: 3, MaxGradNorm: 1},
			{LR: 0.01, MaxGradNorm: 1e9}} {
			t.Run(fmt.Sprintf("%s, scale %v, norm %v", name, o.GradScale, o.MaxGradNorm), func(t *testing.T) {
				autogradtest.Run(t, func(s *autograd.Scope) {
					fused, reference := newFixture(s), newFixture(s)
					a, b := newOptimizer(s, fused.params, setting), newOptimizer(s, reference.params, setting)
					byReference := o
					byReference.Reference = true
					for range 6 {
						fused.giveGradients(s)
						reference.giveGradients(s)
						got, want := a.StepWith(s, o), b.StepWith(s, byReference)
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

// The bits are the same for any number of threads, and so is the norm.
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
			n := o.StepWith(s, StepOptions{LR: 0.1, MaxGradNorm: 1})
			for _, p := range f.params {
				list = append(list, values(s, p))
			}
			if first == nil {
				first, norm = list, n
			}
			if n != norm || !slices.EqualFunc(list, first, slices.Equal[[]float32]) {
				t.Errorf("%d threads: other bits, norm %v and %v", threads, n, norm)
			}
		}
	})
}

// Where the limited norm is not finite nothing moves, and the step does not count.
func TestStepRefusesNaN(t *testing.T) {
	for _, reference := range []bool{false, true} {
		t.Run(fmt.Sprint("reference ", reference), func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				for _, bad := range []float64{math.NaN(), math.Inf(1)} {
					params := []Parameter{vector(s, "a", []float32{1, 2}, []float32{1, 1}), vector(s, "b", []float32{3}, []float32{float32(bad)})}
					o := newOptimizer(s, params, SGD{Momentum: 0.9})
					if norm := o.StepWith(s, StepOptions{LR: 1, MaxGradNorm: 1, Reference: reference}); finite(norm) {
						t.Errorf("norm %v", norm)
					}
					if !slices.Equal(values(s, params[0]), []float32{1, 2}) || o.State().Steps != 0 {
						t.Errorf("moved to %v, %d steps", values(s, params[0]), o.State().Steps)
					}
				}
			})
		})
	}
}

// Gradients whose squares are beyond float32 are clipped all the same.
func TestStepClipsHugeGradients(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		p := vector(s, "a", []float32{0, 0}, []float32{3e30, 4e30})
		norm := newOptimizer(s, []Parameter{p}, SGD{}).StepWith(s, StepOptions{LR: 1, MaxGradNorm: 10})
		if math.Abs(norm/5e30-1) > 1e-6 {
			t.Errorf("norm %v", norm)
		}
		compare32(t, "a", values(s, p), []float32{-6, -8}, 1e-6)
	})
}

// Other types than float32 are updated by libtorch's operations, and a missing gradient has the parameter's name.
func TestStepChooses(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		double := s.RequireGrad(autograd.FromSlice(s, []float64{1}, 1))
		o := newOptimizer(s, []Parameter{{Name: "d", Tensor: double}}, SGD{})
		s.Backward(s.Sum(double))
		o.Step(s, 0.125)
		if got := s.Item(double); got != 0.875 {
			t.Errorf("float64: %v, want 0.875", got)
		}
		params := []Parameter{vector(s, "a", []float32{1}, []float32{1}), vector(s, "b", []float32{1}, nil)}
		for _, reference := range []bool{false, true} {
			err := failing(s, func(s *autograd.Scope) {
				newOptimizer(s, params, SGD{}).StepWith(s, StepOptions{LR: 1, Reference: reference})
			})
			if err == nil || !strings.Contains(err.Error(), "b has no gradient") {
				t.Errorf("error %v", err)
			}
		}
		if got := values(s, params[0]); got[0] != 1 {
			t.Errorf("a moved to %v before b was found to have no gradient", got)
		}
	})
}
