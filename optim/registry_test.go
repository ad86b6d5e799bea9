package optim

import (
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// TestOptimizerRows builds the optimizer of each row with the hyperparameters of a configuration,
// and compares it with its options in full.
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
	if len(Optimizers) != len(want) {
		t.Errorf("%d rows, expected values for %d", len(Optimizers), len(want))
	}
	for _, row := range Optimizers {
		t.Run(row.Name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				built := row.New(s, []Parameter{vector(s, "w", []float32{1}, nil)}, Hyperparameters{Momentum: 0.8, WeightDecay: 1e-4})
				o, ok := built.(*optimizer)
				if !ok || o.rule != want[row.Name].options || row.LR != want[row.Name].lr || row.About == "" {
					t.Errorf("got %T %+v with learning rate %v", built, built, row.LR)
				}
			})
		})
	}
}

// TestScheduleRows builds the schedule of each row with its defaults: 1,000 steps of 100 an epoch.
func TestScheduleRows(t *testing.T) {
	want := map[string]Schedule{
		"constant": Constant{Base: 0.5},
		"step":     Step{Base: 0.5, Factor: 0.1},
		"exp":      Exponential{Base: 0.5, Factor: 0.94, Every: 250},
		"cosine":   Cosine{Base: 0.5, Total: 1000, Warmup: 50},
		"onecycle": OneCycle{Max: 0.5, Total: 1000},
	}
	if len(Schedules) != len(want) {
		t.Errorf("%d rows, expected values for %d", len(Schedules), len(want))
	}
	for _, row := range Schedules {
		t.Run(row.Name, func(t *testing.T) {
			got := row.New(ScheduleOptions{LR: 0.5, StepsPerEpoch: 100, TotalSteps: 1000, WarmupEpochs: -1})
			for step := range int64(1000) {
				if got.LR(step) != want[row.Name].LR(step) {
					t.Fatalf("step %d: %+v, want %+v", step, got, want[row.Name])
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
			`optim: no optimizer "adamW2": did you mean adamw? allowed: sgd, rmsprop, rmsprop_tf, adamw`},
		{"schedule", func() error { _, err := FindSchedule(Schedules, "cosin"); return err },
			`optim: no schedule "cosin": did you mean cosine? allowed: constant, step, exp, cosine, onecycle`},
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
