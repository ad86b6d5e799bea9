package optim

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// averaged is a parameter, a running statistic, and the average of both.
type averaged struct {
	parameter Parameter
	statistic *autograd.Tensor
	average   *Average
}

func newAveraged(s *autograd.Scope, decay float64) averaged {
	a := averaged{parameter: vector(s, "w", []float32{1, 2, 3}, nil), statistic: autograd.FromSlice(s, []float32{4, 5}, 2)}
	a.average = NewAverage(s, []autograd.Named{{Name: "w", Tensor: a.parameter.Tensor}, {Name: "mean", Tensor: a.statistic}},
		[]autograd.Named{{Name: "w", Tensor: s.Zeros(autograd.Float32, autograd.CPU, 3)},
			{Name: "mean", Tensor: s.Zeros(autograd.Float32, autograd.CPU, 2)}}, decay)
	return a
}

// step takes a step of SGD without momentum at learning rate 1: w -= gradient.
func (a averaged) step(s *autograd.Scope, o Optimizer, i int, apply func(*autograd.Scope, Update) float64) {
	autograd.CopyFromSlice(s, a.statistic, []float32{float32(i), -float32(i)})
	giveGradient(s, a.parameter.Tensor, []float32{1, float32(i), -0.5})
	apply(s, o.Prepare(StepOptions{LR: 1, Average: a.average}))
}

// TestAverage: the first update copies the arrays, the others have weight 1-decay; expected values
// in float64.
func TestAverage(t *testing.T) {
	forEachWay(t, func(t *testing.T, s *autograd.Scope, apply func(*autograd.Scope, Update) float64) {
		const decay = 0.75
		a := newAveraged(s, decay)
		o := NewSGD(s, []Parameter{a.parameter}, SGD{})
		w, want := []float64{1, 2, 3}, make([]float64, 5)
		for i := 1; i <= 5; i++ {
			a.step(s, o, i, apply)
			w = []float64{w[0] - 1, w[1] - float64(i), w[2] + 0.5}
			for k, v := range []float64{w[0], w[1], w[2], float64(i), -float64(i)} {
				if i == 1 {
					want[k] = v
				} else {
					want[k] = decay*want[k] + (1-decay)*v
				}
			}
		}
		state := a.average.State()
		got := append(autograd.ToSlice[float32](s, state.Tensors[0].Tensor), autograd.ToSlice[float32](s, state.Tensors[1].Tensor)...)
		for k := range want {
			if math.Abs(float64(got[k])-want[k]) > 1e-6*math.Abs(want[k]) { // a few roundings of float32
				t.Errorf("average %d is %v, want %v", k, got[k], want[k])
			}
		}
		if state.Steps != 5 {
			t.Errorf("%d updates", state.Steps)
		}
	})
}

// timmAverages is testdata/average.json, which make_average.py writes.
type timmAverages struct {
	Decay float64
	Steps []struct{ Arrays, Averages map[string][]float32 }
}

// TestAverageLikeTimm: the averages after each step are those of timm's ModelEmaV3.
func TestAverageLikeTimm(t *testing.T) {
	blob, err := os.ReadFile("testdata/average.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden timmAverages
	if err := json.Unmarshal(blob, &golden); err != nil {
		t.Fatal(err)
	}
	forEachWay(t, func(t *testing.T, s *autograd.Scope, apply func(*autograd.Scope, Update) float64) {
		followTimm(t, s, golden, apply)
	})
}

// followTimm averages the arrays of each step. The optimizer has zero gradients and does not change
// them.
func followTimm(t *testing.T, s *autograd.Scope, golden timmAverages, apply func(*autograd.Scope, Update) float64) {
	names := slices.Sorted(maps.Keys(golden.Steps[0].Arrays))
	var arrays, averages []autograd.Named
	for _, name := range names {
		n := int64(len(golden.Steps[0].Arrays[name]))
		arrays = append(arrays, autograd.Named{Name: name, Tensor: s.Zeros(autograd.Float32, autograd.CPU, n)})
		averages = append(averages, autograd.Named{Name: name, Tensor: s.Zeros(autograd.Float32, autograd.CPU, n)})
	}
	weight := slices.Index(names, "0.weight")
	p := Parameter{Name: "0.weight", Tensor: s.RequireGrad(arrays[weight].Tensor)}
	arrays[weight].Tensor = p.Tensor
	average, o := NewAverage(s, arrays, averages, golden.Decay), NewSGD(s, []Parameter{p}, SGD{})
	for i, step := range golden.Steps {
		for _, a := range arrays {
			autograd.CopyFromSlice(s, a.Tensor, step.Arrays[a.Name])
		}
		giveGradient(s, p.Tensor, make([]float32, len(step.Arrays[p.Name])))
		apply(s, o.Prepare(StepOptions{LR: 1, Average: average}))
		for _, a := range average.State().Tensors {
			what := fmt.Sprintf("step %d, %s", i+1, a.Name)
			compare32(t, what, autograd.ToSlice[float32](s, a.Tensor), step.Averages[a.Name], 2e-7) // two roundings of float32
		}
	}
}

// The average in the same pass changes no bit of the parameters, and is libtorch's lerp of them.
func TestAverageInTheFusedPass(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		plain, followed := newFixture(s), newFixture(s)
		var arrays, values []autograd.Named
		for _, p := range followed.params {
			arrays = append(arrays, autograd.Named{Name: p.Name, Tensor: p.Tensor})
			values = append(values, autograd.Named{Name: p.Name, Tensor: autograd.List{p.Tensor}.ZerosLike(s)[0]})
		}
		average := NewAverage(s, arrays, values, 0.9)
		want := list(values).ZerosLike(s)
		a, b := newOptimizer(s, plain.params, AdamW{Beta1: 0.9, Beta2: 0.99}), newOptimizer(s, followed.params, AdamW{Beta1: 0.9, Beta2: 0.99})
		for i := range 4 {
			plain.giveGradients(s)
			followed.giveGradients(s)
			a.Prepare(StepOptions{LR: 0.1, MaxGradNorm: 1}).Fused(s)
			b.Prepare(StepOptions{LR: 0.1, MaxGradNorm: 1, Average: average}).Fused(s)
			weight := 1 - 0.9
			if i == 0 {
				weight = 1
			}
			want.Lerp(s, list(arrays), weight)
		}
		for i, p := range plain.params {
			if !slices.Equal(values32(s, p.Tensor), values32(s, followed.params[i].Tensor)) {
				t.Errorf("%s differs with an average", p.Name)
			}
			compare32(t, p.Name, values32(s, values[i].Tensor), values32(s, want[i]), 3e-7) // four roundings of 6e-8
		}
	})
}

func values32(s *autograd.Scope, t *autograd.Tensor) []float32 {
	return autograd.ToSlice[float32](s, t)
}

// Saving and loading continues bit for bit.
func TestAverageContinuesExactly(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		whole, parts := newAveraged(s, 0.9), newAveraged(s, 0.9)
		a, b := NewSGD(s, []Parameter{whole.parameter}, SGD{}), NewSGD(s, []Parameter{parts.parameter}, SGD{})
		for i := range 6 {
			whole.step(s, a, i, fused)
		}
		for i := range 3 {
			parts.step(s, b, i, fused)
		}
		again := newAveraged(s, 0.9)
		autograd.CopyFromSlice(s, again.parameter.Tensor, values(s, parts.parameter))
		if err := again.average.Load(s, parts.average.State()); err != nil {
			t.Fatal(err)
		}
		c := NewSGD(s, []Parameter{again.parameter}, SGD{})
		for i := 3; i < 6; i++ {
			again.step(s, c, i, fused)
		}
		for i, n := range whole.average.State().Tensors {
			if got, want := values32(s, again.average.State().Tensors[i].Tensor), values32(s, n.Tensor); !slices.Equal(got, want) {
				t.Errorf("%s: %v, uninterrupted %v", n.Name, got, want)
			}
		}
		if got := again.average.State().Steps; got != 6 {
			t.Errorf("%d updates", got)
		}
	})
}

func TestAverageIsChecked(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		w, longer := vector(s, "w", []float32{1}, []float32{1}), vector(s, "w", []float32{1, 2}, nil)
		named := func(p Parameter) []autograd.Named { return []autograd.Named{{Name: p.Name, Tensor: p.Tensor}} }
		other := vector(s, "v", []float32{1}, []float32{1})
		for _, tc := range []struct {
			use  func(*autograd.Scope)
			want string
		}{
			{func(s *autograd.Scope) { NewAverage(s, nil, nil, 1) }, "decay 1: must be at least 0 and below 1"},
			{func(s *autograd.Scope) { NewAverage(s, nil, nil, math.NaN()) }, "decay NaN"},
			{func(s *autograd.Scope) { NewAverage(s, named(w), nil, 0.9) }, "1 arrays and 0 averages"},
			{func(s *autograd.Scope) { NewAverage(s, named(w), named(longer), 0.9) }, "w float32[1] and its average w float32[2]"},
			{func(s *autograd.Scope) {
				average := NewAverage(s, named(w), named(vector(s, "w", []float32{0}, nil)), 0.9)
				NewSGD(s, []Parameter{other}, SGD{}).Prepare(StepOptions{LR: 1, Average: average}).Fused(s)
			}, "the parameter v is not among its arrays"},
			{func(s *autograd.Scope) {
				average := NewAverage(s, named(w), named(vector(s, "w", []float32{0}, nil)), 0.9)
				s.Fail(average.Load(s, State{}))
			}, "not of this weight average: missing: w"},
		} {
			if err := failing(s, tc.use); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%q: got %v", tc.want, err)
			}
		}
	})
}
