package optim

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// scaledSteps is a case of testdata/lossscale.json: steps with torch.amp.GradScaler.
type scaledSteps struct {
	Optimizer, Pattern string
	Clip               float64
	Interval           int64
	Steps              []struct {
		Kind       string
		Scale      float64
		Growth     int64
		Parameters []float32
	}
}

// scaledRules are the optimizers of the cases.
var scaledRules = map[string]struct {
	rule rule
	lr   float64
}{
	"sgd":            {SGD{}, 0.1},
	"sgd, momentum":  {SGD{Momentum: 0.9, WeightDecay: 0.01}, 0.1},
	"sgd, dampening": {SGD{Momentum: 0.9, Dampening: 0.5}, 0.1},
	"adamw":          {AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.05}, 0.01},
	"rmsprop":        {RMSProp{Alpha: 0.99, Eps: 1e-8, Momentum: 0.9, WeightDecay: 0.01}, 0.01},
}

// gradientsOf are those of testdata/make_lossscale.py.
func gradientsOf(step int, kind string) []float32 {
	g := make([]float32, 6)
	for i := range g {
		g[i] = float32((step*37+i*11)%23-11) / 8
	}
	switch kind {
	case "i":
		g[step%6] = float32(math.Inf(1))
	case "n":
		g[step%6] = float32(math.NaN())
	}
	return g
}

// TestLossScalerMatchesPyTorch: scale, growth count and parameters after each step are those of torch.amp.GradScaler, also if
// its state is stored and restored after each step.
func TestLossScalerMatchesPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/lossscale.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []scaledSteps
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 50 {
		t.Fatalf("%d cases, want 50", len(cases))
	}
	for _, c := range cases {
		for _, restored := range []bool{false, true} {
			autogradtest.Run(t, func(s *autograd.Scope) { c.check(t, s, restored) })
		}
	}
}

func (c scaledSteps) check(t *testing.T, s *autograd.Scope, restored bool) {
	a, b := vector(s, "a", []float32{1, 2, 3, 4}, nil), vector(s, "b", []float32{-1, 0.5}, nil)
	o := newOptimizer(s, []Parameter{a, b}, scaledRules[c.Optimizer].rule)
	scaling := autograd.LossScaling{Growth: 2, Backoff: 0.5, Interval: c.Interval}
	scaler := newLossScaler(s, autograd.CPU, 65536, scaling)
	for i, want := range c.Steps {
		before := scaler.State(s).Scale
		g := gradientsOf(i, want.Kind)
		autograd.ZeroGrads(s, autograd.List{a.Tensor, b.Tensor})
		loss := s.Add(s.Sum(s.Mul(a.Tensor, autograd.FromSlice(s, g[:4], 4))), s.Sum(s.Mul(b.Tensor, autograd.FromSlice(s, g[4:], 2))))
		s.Backward(scaler.Scale(s, loss))
		result, err := o.Prepare(StepOptions{LR: scaledRules[c.Optimizer].lr, MaxGradNorm: c.Clip, Scaler: scaler}).Queued(s).Values()
		if err != nil || len(result) != 3 || (result[1] == 1) != (want.Kind != "f") || result[2] != before {
			t.Fatalf("%s, %s, clip %v, step %d: norm, found and scale %v, error %v", c.Optimizer, c.Pattern, c.Clip, i, result, err)
		}
		state := scaler.State(s)
		if state.Scale != want.Scale || state.Growth != want.Growth {
			t.Errorf("%s, %s, clip %v, step %d: %+v, want scale %v and growth %d", c.Optimizer, c.Pattern, c.Clip, i, state, want.Scale, want.Growth)
		}
		// 1e-5: float32, with the corrections of AdamW in another order
		compare32(t, c.Optimizer+", "+c.Pattern, append(values(s, a), values(s, b)...), want.Parameters, 1e-5)
		if restored {
			scaler = newLossScaler(s, autograd.CPU, 1, scaling)
			if err := scaler.Load(s, state); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSkippedStep: a step with gradients that are not finite changes no bit of parameters, optimizer and average, whatever they
// are.
func TestSkippedStep(t *testing.T) {
	for name, setting := range everySetting {
		for _, clip := range []float64{0, 1} {
			autogradtest.Run(t, func(s *autograd.Scope) {
				f := newFixture(s)
				o := newOptimizer(s, f.params, setting)
				scaler := NewLossScaler(s, autograd.CPU)
				average := averageOf(s, f.params)
				state := func() (all []float32) {
					for _, p := range f.params {
						all = append(all, values(s, p)...)
					}
					for _, n := range append(o.State().Tensors, average.State().Tensors...) {
						all = append(all, autograd.ToSlice[float32](s, n.Tensor)...)
					}
					return all
				}
				options := StepOptions{LR: 0.01, MaxGradNorm: clip, Scaler: scaler, Average: average}
				var before []float32
				for step := range 4 {
					if f.giveGradients(s); step > 1 {
						g := f.noise(shapes[3])
						g[step] = float32(math.Inf(step%2*2 - 1))
						giveGradient(s, f.params[3].Tensor, g)
					}
					norm := o.Prepare(options).Unfused(s)
					if after := state(); (step < 2) != finite(norm) || step > 1 && !sameBits(before, after) || step == 1 && sameBits(before, after) {
						t.Errorf("%s, step %d: norm %v, the same values: %v", name, step, norm, sameBits(before, after))
					}
					before = state()
				}
				if got := scaler.State(s); got != (LossScalerState{Scale: 16384, Skipped: 2}) || o.State().Steps != 4 {
					t.Errorf("%s: %+v after %d steps", name, got, o.State().Steps)
				}
			})
		}
	}
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// averageOf is an average of parameters, which holds zeros.
func averageOf(s *autograd.Scope, params []Parameter) *Average {
	var arrays, values []autograd.Named
	for _, p := range params {
		arrays = append(arrays, autograd.Named{Name: p.Name, Tensor: p.Tensor})
		values = append(values, autograd.Named{Name: p.Name, Tensor: autograd.List{p.Tensor}.ZerosLike(s)[0]})
	}
	return NewAverage(s, arrays, values, 0.75)
}

// TestScaledMatchesUnscaled: steps with a scaler are those without, and one that is skipped has no effect on those after it.
// GradScale, as of accumulated batches, applies to the divided gradients. tol: 1e-5, as of other forms of the update.
func TestScaledMatchesUnscaled(t *testing.T) {
	for name, setting := range everySetting {
		for _, o := range []StepOptions{{LR: 0.01}, {LR: 0.01, GradScale: 0.125}, {LR: 0.01, GradScale: 3, MaxGradNorm: 1}} {
			autogradtest.Run(t, func(s *autograd.Scope) {
				scaled, plain := newFixture(s), newFixture(s)
				a, b := newOptimizer(s, scaled.params, setting), newOptimizer(s, plain.params, setting)
				scaler := NewLossScaler(s, autograd.CPU)
				scaler.Divisor = 4
				withScaler := o
				withScaler.Scaler = scaler
				for step := range 8 {
					scaled.giveGradients(s)
					for _, p := range scaled.params {
						autograd.List{s.Grad(p.Tensor)}.Scale(s, scaler.State(s).Scale/4)
					}
					if step == 0 || step == 4 { // the optimizer without a scaler does not see these
						autograd.List{s.Grad(scaled.params[0].Tensor)}.Scale(s, math.Inf(1))
						a.Prepare(withScaler).Fused(s)
						plain.giveGradients(s)
						continue
					}
					plain.giveGradients(s)
					got, want := a.Prepare(withScaler).Fused(s), b.Prepare(o).Unfused(s)
					if !(math.Abs(got-want) <= 1e-6*want) {
						t.Errorf("%s: norm %v, want %v", name, got, want)
					}
				}
				b.steps += 2
				for i, p := range plain.params {
					compare32(t, name+" "+p.Name, values(s, scaled.params[i]), values(s, p), 1e-5)
				}
				if a.steps != b.steps {
					t.Errorf("%d and %d steps", a.steps, b.steps)
				}
			})
		}
	}
}

// TestAverageOfSkippedStep: the first update of an average copies the arrays even if the step is skipped, as they need no gradient.
func TestAverageOfSkippedStep(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		p := vector(s, "w", []float32{1, 2}, []float32{1, float32(math.NaN())})
		average := averageOf(s, []Parameter{p})
		o := NewSGD(s, []Parameter{p}, SGD{})
		o.Prepare(StepOptions{LR: 1, Scaler: NewLossScaler(s, autograd.CPU), Average: average}).Unfused(s)
		if got := autograd.ToSlice[float32](s, average.State().Tensors[0].Tensor); !slices.Equal(got, []float32{1, 2}) {
			t.Errorf("the average is %v", got)
		}
	})
}

// TestLossScalerState: what is no state is refused.
func TestLossScalerState(t *testing.T) {
	for _, state := range []LossScalerState{{}, {Scale: -1}, {Scale: math.Inf(1)}, {Scale: math.NaN()}, {Scale: 1, Growth: -1}, {Scale: 1, Skipped: -1}} {
		autogradtest.Run(t, func(s *autograd.Scope) {
			scaler := NewLossScaler(s, autograd.CPU)
			if err := scaler.Load(s, state); err == nil || !strings.Contains(err.Error(), "loss scaler") {
				t.Errorf("%+v: error %v", state, err)
			}
			if got := scaler.State(s); got != (LossScalerState{Scale: 65536}) {
				t.Errorf("%+v after a wrong state", got)
			}
		})
	}
}
