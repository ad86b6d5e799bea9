package train

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
)

// workshop is a clock that the events of a run advance: steps, validations and checkpoints take the times that it is given.
type workshop struct {
	now      time.Time
	steps    int64 // that have begun
	step     func(step int64) time.Duration
	validate time.Duration
	save     time.Duration
}

func newWorkshop(step, validate time.Duration) *workshop {
	return &workshop{now: time.Unix(0, 0), step: func(int64) time.Duration { return step }, validate: validate}
}

// trainer has a loss that takes the time of the step.
func (w *workshop) trainer() Trainer {
	loss := func(s *autograd.Scope, logits *autograd.Tensor, targets autograd.Targets) *autograd.Tensor {
		w.steps++
		w.now = w.now.Add(w.step(w.steps))
		labels := autograd.FromSlice(s, targets.Labels, int64(len(targets.Labels)))
		return autograd.CrossEntropy{}.Loss(s, logits, labels)
	}
	return Trainer{now: func() time.Time { return w.now }, Loss: Loss{Name: "timed", Compute: loss}}
}

// observe advances the clock.
func (w *workshop) observe(e report.Event) {
	switch e := e.(type) {
	case report.Validation:
		if e.Batch == e.Batches {
			w.now = w.now.Add(w.validate)
		}
	case report.Checkpoint:
		w.now = w.now.Add(w.save)
	}
}

// timed is a small run with a time limit and no checkpoints in epochs: 3 steps an epoch.
func timed(t *testing.T, limit time.Duration) config.Config {
	c := small(t, testset.Images(t, 6, 3)) // batches of 8, 8 and 2
	c.Time, c.Epochs, c.CheckpointEvery = limit, 0, ""
	return c
}

// fitTimed trains by the clock and returns the events.
func fitTimed(t *testing.T, w *workshop, c config.Config) (Result, []report.Event) {
	t.Helper()
	var events []report.Event
	result, err := w.trainer().Fit(t.Context(), c, recorderFunc(func(e report.Event) error {
		w.observe(e)
		events = append(events, e)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return result, events
}

// TestTimeLimit: a run ends within its limit and uses nearly all of it, and its learning rate has come to the schedule's end
// without a jump, whatever the speed.
func TestTimeLimit(t *testing.T) {
	second := time.Second
	constant := func(d time.Duration) func(int64) time.Duration { return func(int64) time.Duration { return d } }
	for _, tc := range []struct {
		name     string
		schedule string
		work     workshop
		least    float64 // part of the limit that is used
	}{
		{"constant speed", "cosine", workshop{step: constant(second), validate: 2 * second}, 0.94},
		{"onecycle", "onecycle", workshop{step: constant(second), validate: second}, 0.94},
		{"slow checkpoints", "cosine", workshop{step: constant(second), validate: second, save: second}, 0.9},
		{"long validation", "cosine", workshop{step: constant(second / 2), validate: 8 * second}, 0.85},
		{"half as fast from step 20 on", "cosine", workshop{step: func(n int64) time.Duration { return second * time.Duration(1+min(n/20, 1)) }, validate: second}, 0.9},
		{"twice as fast from step 20 on", "onecycle", workshop{step: func(n int64) time.Duration { return second / time.Duration(1+min(n/20, 1)) }, validate: second}, 0.9},
		{"a slow first step", "cosine", workshop{step: func(n int64) time.Duration {
			if n == 1 {
				return 10 * second
			}
			return second
		}, validate: second}, 0.94},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := timed(t, 120*second)
			c.Schedule = tc.schedule
			w := tc.work
			w.now = time.Unix(0, 0)
			result, events := fitTimed(t, &w, c)
			took := w.now.Sub(time.Unix(0, 0))
			if took > c.Time || took.Seconds() < tc.least*c.Time.Seconds() {
				t.Errorf("took %v of %v", took, c.Time)
			}
			if !result.Finished {
				t.Errorf("%+v", result)
			}
			checkRates(t, c, events)
		})
	}
}

// checkRates: once planned, the learning rate changes by little from step to step and ends near 0.
func checkRates(t *testing.T, c config.Config, events []report.Event) {
	t.Helper()
	planned, last, plans := false, math.NaN(), 0
	for _, e := range events {
		switch e := e.(type) {
		case report.Budget:
			planned, plans = true, plans+1
		case report.Step:
			if planned && !math.IsNaN(last) && math.Abs(e.LR-last) > 0.35*c.LR {
				t.Errorf("step %d: the learning rate jumps from %v to %v", e.Step, last, e.LR)
			}
			if planned {
				last = e.LR
			}
		}
	}
	if plans == 0 || last > 0.01*c.LR {
		t.Errorf("%d plans; the last learning rate is %v of %v", plans, last, c.LR)
	}
}

// TestTimeLimitResumes: a run with a time limit that is interrupted after its first plan has the same steps, learning rates and bytes as one that
// is not, and the time of both processes counts.
func TestTimeLimitResumes(t *testing.T) {
	c := timed(t, 60*time.Second)
	w := newWorkshop(time.Second, 2*time.Second)
	whole, _ := fitTimed(t, w, c)
	want := outcome(t, whole)
	c.Out, c.Resume = filepath.Join(t.TempDir(), "run"), "auto"
	w = newWorkshop(time.Second, 2*time.Second)
	for _, at := range []int64{9, 10, 24, 33} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := w.trainer().Fit(ctx, c, recorderFunc(func(e report.Event) error {
			w.observe(e)
			if atStep(at)(e) {
				cancel()
			}
			return nil
		}))
		cancel()
		if !errors.Is(err, ErrInterrupted) {
			t.Fatalf("stopped at step %d: %v", at, err)
		}
		w.now = w.now.Add(time.Hour) // between two processes
	}
	result, _ := fitTimed(t, w, c)
	checkOutcome(t, outcome(t, result), want)
}

// TestTimeLimitBounds: other limits hold beside the time, and what contradicts it is refused.
func TestTimeLimitBounds(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*config.Config)
		steps  int64
	}{
		{"epochs", func(c *config.Config) { c.Epochs = 4 }, 12},
		{"steps", func(c *config.Config) { c.MaxSteps = 10 }, 10},
		{"fewer steps than are measured", func(c *config.Config) { c.MaxSteps = 2 }, 2},
		{"early stopping", func(c *config.Config) { c.Patience, c.MinDelta = 2, 1 }, 9},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := timed(t, time.Hour)
			tc.change(&c)
			result, _ := fitTimed(t, newWorkshop(time.Second, time.Second), c)
			if result.Step != tc.steps || !result.Finished {
				t.Errorf("%+v, want %d steps", result, tc.steps)
			}
		})
	}
	t.Run("another limit", func(t *testing.T) {
		c := timed(t, 30*time.Second)
		fitTimed(t, newWorkshop(time.Second, time.Second), c)
		c.Resume, c.Time = "auto", time.Hour
		if _, err := newWorkshop(1, 1).trainer().Fit(t.Context(), c, ignore); !errors.Is(err, ErrOtherRun) || !strings.Contains(err.Error(), "--time was 30s and is 1h0m0s") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("shorter than a step", func(t *testing.T) {
		c := timed(t, time.Millisecond)
		result, _ := fitTimed(t, newWorkshop(time.Second, time.Second), c)
		if !result.Finished || result.Epochs < 1 {
			t.Errorf("%+v", result)
		}
	})
}

// TestFitting compares with counting steps one by one.
func TestFitting(t *testing.T) {
	for _, c := range []struct {
		name               string
		seconds, step, end float64
		rest, perEpoch     int64
	}{
		{"part of this epoch", 10, 1, 2, 20, 30},
		{"exactly this epoch", 22, 1, 2, 20, 30},
		{"too little for the next", 24, 1, 2, 20, 30},
		{"part of the next", 30, 1, 2, 20, 30},
		{"several", 200, 1, 2, 20, 30},
		{"at an epoch's end", 200, 1, 2, 0, 30},
		{"nothing", 1, 1, 2, 20, 30},
		{"less than nothing", -5, 1, 2, 20, 30},
		{"no validation", 100.5, 0.5, 0, 7, 10},
	} {
		want := int64(0)
		for n := int64(1); n < 1000; n++ {
			ends := int64(1)
			if n > c.rest {
				ends = (n - c.rest + c.perEpoch - 1) / c.perEpoch
				if c.rest > 0 {
					ends++
				}
			}
			if float64(n)*c.step+float64(ends)*c.end <= c.seconds {
				want = n
			}
		}
		if got := fitting(c.seconds, c.step, c.end, c.rest, c.perEpoch); got != want {
			t.Errorf("%s: %d steps, want %d", c.name, got, want)
		}
	}
}
