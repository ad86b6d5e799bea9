package optim

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// near compares learning rates: tol 1e-12 relative, a few float64 roundings.
func near(got, want float64) bool {
	return math.Abs(got-want) <= 1e-12*math.Abs(want)+1e-300
}

func TestSchedules(t *testing.T) {
	for _, tc := range []struct {
		name     string
		schedule Schedule
		want     map[int64]float64 // step: learning rate, computed by hand
	}{
		{"constant", Constant{Base: 0.5}, map[int64]float64{0: 0.5, 1: 0.5, 1e9: 0.5}},
		{"constant, warmup", Constant{Base: 0.5, Warmup: 4},
			map[int64]float64{0: 0.125, 1: 0.25, 2: 0.375, 3: 0.5, 4: 0.5, 100: 0.5}},
		{"step", Step{Base: 1, Factor: 0.1, Milestones: []int64{30, 60}},
			map[int64]float64{0: 1, 29: 1, 30: 0.1, 59: 0.1, 60: 0.01, 1000: 0.01}},
		{"step, warmup", Step{Base: 1, Factor: 0.5, Milestones: []int64{20, 10}, Warmup: 5},
			map[int64]float64{0: 0.2, 4: 1, 5: 1, 14: 1, 15: 0.5, 24: 0.5, 25: 0.25}},
		{"exponential", Exponential{Base: 0.045, Factor: 0.94, Every: 100},
			map[int64]float64{0: 0.045, 99: 0.045, 100: 0.045 * 0.94, 199: 0.045 * 0.94, 200: 0.045 * 0.94 * 0.94}},
		{"exponential, warmup", Exponential{Base: 0.8, Factor: 0.5, Every: 2, Warmup: 2},
			map[int64]float64{0: 0.4, 1: 0.8, 2: 0.8, 3: 0.8, 4: 0.4, 5: 0.4, 6: 0.2}},
		{"cosine", Cosine{Base: 0.1, Total: 12},
			map[int64]float64{0: 0.1, 3: 0.05 * (1 + math.Sqrt2/2), 4: 0.075, 6: 0.05, 8: 0.025, 12: 0, 13: 0}},
		{"cosine, warmup", Cosine{Base: 0.1, Total: 16, Warmup: 4},
			map[int64]float64{0: 0.025, 3: 0.1, 4: 0.1, 8: 0.075, 10: 0.05, 16: 0}},
		{"one-cycle", OneCycle{Max: 1, Total: 10}, // peak at step 2, last step 9
			map[int64]float64{0: 0.04, 1: 0.52, 2: 1, 9: 4e-6, 10: 4e-6}},
		{"one-cycle, warmup", OneCycle{Max: 1, Total: 14, Warmup: 4},
			map[int64]float64{0: 0.01, 3: 0.04, 4: 0.04, 5: 0.52, 6: 1, 13: 4e-6}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for step, want := range tc.want {
				// cos(pi/2) and 1+cos(pi) are not exactly 0 in floating point.
				if got := tc.schedule.LR(step); !near(got, want) && math.Abs(got-want) > 1e-16 {
					t.Errorf("step %d: %v, want %v", step, got, want)
				}
			}
		})
	}
}

func TestOneCycleMatchesPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/onecycle.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Max   float64             `json:"max_lr"`
		Rates map[int64][]float64 `json:"learning_rates"` // by number of steps
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Rates) != 6 {
		t.Fatalf("%d runs in the golden file, want 6", len(golden.Rates))
	}
	for total, rates := range golden.Rates {
		schedule := OneCycle{Max: golden.Max, Total: total}
		for step, want := range rates {
			if got := schedule.LR(int64(step)); !near(got, want) {
				t.Errorf("step %d of %d: %v, PyTorch has %v", step, total, got, want)
			}
		}
	}
}

// validator is a schedule that can be validated, as all of this package.
type validator interface {
	Schedule
	Validate() error
}

func TestScheduleValidation(t *testing.T) {
	for _, tc := range []struct {
		schedule validator
		want     []string
	}{
		{Constant{}, []string{"learning rate 0"}},
		{Constant{Base: math.NaN(), Warmup: -1}, []string{"learning rate NaN", "warmup of -1"}},
		{Step{Base: 1, Factor: 0, Milestones: []int64{0}}, []string{"factor 0", "milestone at step 0"}},
		{Exponential{Base: 1, Factor: 1.5}, []string{"factor 1.5", "every 0 steps"}},
		{Cosine{Base: 1, Total: 5, Warmup: 5}, []string{"5 steps with a warmup"}},
		{OneCycle{Max: math.Inf(1)}, []string{"learning rate +Inf", "0 steps with a warmup"}},
	} {
		err := tc.schedule.Validate()
		if err == nil {
			t.Errorf("%+v is accepted", tc.schedule)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %q is missing in %v", tc.schedule, want, err)
			}
		}
	}
}

// Every schedule is finite and not negative, rises during its warmup and continues without a jump.
func FuzzSchedules(f *testing.F) {
	f.Add(0.1, 0.94, int64(1000), int64(50), int64(10), int64(3))
	f.Add(1e-300, 1.0, int64(1), int64(0), int64(1), int64(math.MaxInt64))
	f.Add(5.0, 1e-9, int64(10), int64(9), int64(3), int64(9))
	f.Fuzz(func(t *testing.T, base, factor float64, total, warmup, every, step int64) {
		for _, s := range []validator{
			Constant{Base: base, Warmup: warmup},
			Step{Base: base, Factor: factor, Milestones: []int64{every}, Warmup: warmup},
			Exponential{Base: base, Factor: factor, Every: every, Warmup: warmup},
			Cosine{Base: base, Total: total, Warmup: warmup},
			OneCycle{Max: base, Total: total, Warmup: warmup},
			NewPlateau(base, warmup, PlateauOptions{Factor: factor}),
		} {
			if s.Validate() != nil || base > 1e300 {
				continue
			}
			lr := s.LR(step)
			if !(lr >= 0) || math.IsInf(lr, 0) || lr > base*(1+1e-12) {
				t.Errorf("%+v: step %d has learning rate %v", s, step, lr)
			}
			if warmup == 0 {
				continue
			}
			if joint, before := s.LR(warmup), s.LR(warmup-1); joint != before {
				t.Errorf("%+v: %v at the end of the warmup, %v after it", s, before, joint)
			}
			if at := min(max(0, step), warmup-1); at > 0 && s.LR(at-1) > s.LR(at) {
				t.Errorf("%+v: falls at step %d of the warmup", s, at)
			}
		}
	})
}
