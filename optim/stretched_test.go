package optim

import "testing"

// TestStretched: no jump where the pace changes, and the last learning rate is that of the main schedule.
func TestStretched(t *testing.T) {
	main := Cosine{Base: 1, Total: 100, Warmup: 10}
	for _, c := range []struct {
		name string
		s    Stretched
		want map[int64]int64 // step: position
	}{
		{"as planned", Stretched{Main: main, Length: 100, From: 20, At: 20, Total: 100}, map[int64]int64{20: 20, 60: 60, 99: 99, 150: 99}},
		{"longer", Stretched{Main: main, Length: 100, From: 19, At: 19, Total: 180}, map[int64]int64{19: 19, 21: 20, 99: 59, 179: 99}},
		{"shorter", Stretched{Main: main, Length: 100, From: 19, At: 19, Total: 60}, map[int64]int64{20: 21, 39: 59, 59: 99}},
		{"after another correction", Stretched{Main: main, Length: 100, From: 30, At: 59, Total: 51}, map[int64]int64{30: 59, 40: 79, 50: 99}},
		{"ends here", Stretched{Main: main, Length: 100, From: 30, At: 59, Total: 31}, map[int64]int64{30: 99, 31: 99}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for step, want := range c.want {
				if got := c.s.Position(step); got != want {
					t.Errorf("step %d has position %d, want %d", step, got, want)
				}
				if got := c.s.LR(step); got != main.LR(want) {
					t.Errorf("step %d has learning rate %v", step, got)
				}
			}
		})
	}
}

// TestScheduleKinds: every schedule has its warmup, and those that fall to the end of the run span it.
func TestScheduleKinds(t *testing.T) {
	for _, row := range Schedules {
		s := row.New(ScheduleOptions{LR: 0.1, StepsPerEpoch: 10, TotalSteps: 100, WarmupEpochs: 2})
		if got := WarmupSteps(s); got != 20 {
			t.Errorf("%s: a warmup of %d steps, want 20", row.Name, got)
		}
		if got := WarmupSteps(Stretched{Main: ConstantFrom{Main: s}}); got != 20 {
			t.Errorf("%s, wrapped: a warmup of %d steps, want 20", row.Name, got)
		}
		longer := row.New(ScheduleOptions{LR: 0.1, StepsPerEpoch: 10, TotalSteps: 200, WarmupEpochs: 2})
		if differs := s.LR(90) != longer.LR(90); differs != SpansRun(s) {
			t.Errorf("%s: spans the run: %v, its learning rate depends on the length: %v", row.Name, SpansRun(s), differs)
		}
	}
	c := ConstantFrom{Main: Cosine{Base: 1, Total: 10}, Start: 5, Rate: 0.3}
	if c.LR(4) != c.Main.LR(4) || c.LR(5) != 0.3 || c.LR(100) != 0.3 {
		t.Errorf("%v, %v, %v", c.LR(4), c.LR(5), c.LR(100))
	}
}
