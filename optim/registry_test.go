package optim

import (
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// TestOptimizerRows builds the optimizer of each row with the hyperparameters of a configuration.
// The table compares those of the publications with their options in full.
func TestOptimizerRows(t *testing.T) {
	want := map[string]struct {
		lr      float64
		options rule
	}{
		"sgd":        {0.05, SGD{Momentum: 0.8, WeightDecay: 1e-4}},
		"rmsprop":    {1e-4, RMSProp{Alpha: 0.99, Eps: 1e-8, Momentum: 0.8, WeightDecay: 1e-4}},
		"rmsprop_tf": {0.045, RMSPropTF{Alpha: 0.9, Eps: 1, Momentum: 0.8, WeightDecay: 1e-4}},
		"adamw":      {1e-3, AdamW{Beta1: 0.8, Beta2: 0.999, Eps: 1e-8, WeightDecay: 1e-4}},
	}
	for name := range want {
		if _, err := FindOptimizer(Optimizers, name); err != nil {
			t.Error(err)
		}
	}
	for _, row := range Optimizers {
		t.Run(row.Name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				built := row.New(s, []Parameter{vector(s, "w", []float32{1}, nil)}, Hyperparameters{Momentum: 0.8, WeightDecay: 1e-4})
				o, ok := built.(*optimizer)
				if !ok || !(row.LR > 0) || row.About == "" {
					t.Fatalf("got %T %+v with learning rate %v, description %q", built, built, row.LR, row.About)
				}
				if w, ok := want[row.Name]; ok && (o.rule != w.options || row.LR != w.lr) {
					t.Errorf("got %+v with learning rate %v, want %+v", o.rule, row.LR, w)
				}
			})
		})
	}
}

// TestScheduleRows builds the schedule of each row with its defaults: 1,000 steps of 100 an epoch.
// The table compares those in it with their options in full; the others must give finite rates.
func TestScheduleRows(t *testing.T) {
	want := map[string]Schedule{
		"constant": Constant{Base: 0.5},
		"step":     Step{Base: 0.5, Factor: 0.1},
		"exp":      Exponential{Base: 0.5, Factor: 0.94, Every: 250},
		"cosine":   Cosine{Base: 0.5, Total: 1000, Warmup: 50},
		"onecycle": OneCycle{Max: 0.5, Total: 1000},
	}
	for name := range want {
		if _, err := FindSchedule(Schedules, name); err != nil {
			t.Error(err)
		}
	}
	for _, row := range Schedules {
		t.Run(row.Name, func(t *testing.T) {
			got := row.New(ScheduleOptions{LR: 0.5, StepsPerEpoch: 100, TotalSteps: 1000, WarmupEpochs: -1})
			expected, listed := want[row.Name]
			for step := range int64(1000) {
				if lr := got.LR(step); !finite(lr) || lr < 0 || listed && lr != expected.LR(step) {
					t.Fatalf("step %d: learning rate %v of %+v, want %+v", step, lr, got, expected)
				}
			}
			if row.About == "" {
				t.Error("the row has no description")
			}
		})
	}
}

func TestUnknownNamesSuggestTheClosest(t *testing.T) {
	for _, c := range []struct {
		name string
		find func() error
		want string
	}{
		{"optimizer", func() error { _, err := FindOptimizer(Optimizers, "adamW2"); return err },
			`optim: no optimizer "adamW2": did you mean adamw? allowed: ` + strings.Join(OptimizerNames(Optimizers), ", ")},
		{"schedule", func() error { _, err := FindSchedule(Schedules, "cosin"); return err },
			`optim: no schedule "cosin": did you mean cosine? allowed: ` + strings.Join(ScheduleNames(Schedules), ", ")},
		{"nothing close", func() error { _, err := FindOptimizer(Optimizers, "lbfgs"); return err }, "allowed: sgd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.find(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if names := ScheduleNames(Schedules); !slices.Contains(names, "onecycle") {
		t.Errorf("names %v", names)
	}
}
