package control

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

func number(x float64) *float64 { return &x }

// TestDo: what is answered in each phase, and that refusals say why.
func TestDo(t *testing.T) {
	at := func(phase Phase) Position {
		return Position{Phase: phase, Step: 7, Steps: 20, LR: 0.1, NextLR: 0.08, Factor: 1}
	}
	last := Position{Phase: Training, Step: 19, Steps: 20, LR: 0.1, NextLR: 0.08, Factor: 1}
	zero := Position{Phase: Paused, Step: 7, Steps: 20, Factor: 1}
	changed := Position{Phase: Training, Step: 7, Steps: 20, LR: 0.1, NextLR: 0.08, Factor: 0.5, Changes: MaxChanges}
	for _, c := range []struct {
		name string
		at   Position
		q    Request
		err  error
		text string // of the answer or the error
		step int64
	}{
		{"checkpoint in a step", at(Training), Request{Action: Checkpoint}, nil, "after step 8 the run writes a checkpoint", 8},
		{"checkpoint between steps", at(Between), Request{Action: Checkpoint}, nil, "after step 7 ", 7},
		{"checkpoint in a pause", at(Paused), Request{Action: Checkpoint}, nil, "after step 7 ", 7},
		{"checkpoint in the last step", last, Request{Action: Checkpoint}, nil, "after step 20 ", 20},
		{"pause", at(Training), Request{Action: Pause}, nil, "after step 8 the run writes a checkpoint and pauses", 8},
		{"continue without a pause", at(Training), Request{Action: Continue}, ErrNow, "the run is not paused", 0},
		{"stop", at(Training), Request{Action: Stop}, nil, "after step 8 the run writes a checkpoint and ends", 8},
		{"stop in a validation", at(Validating), Request{Action: Stop}, nil, "after step 7 ", 7},
		{"stop in a pause", at(Paused), Request{Action: Stop}, nil, "after step 7 ", 7},
		{"factor", at(Training), Request{Action: LR, Factor: number(0.5)}, nil, "changes to 0.04 in step 9, and stays 0.5 times that of the schedule", 8},
		{"factor in a pause", at(Paused), Request{Action: LR, Factor: number(0.5)}, nil, "changes to 0.05 in step 8", 7},
		{"rate", at(Training), Request{Action: LR, Rate: number(0.02)}, nil, "changes to 0.02 in step 9, and stays 0.25 times", 8},
		{"factor of a rate of 0", zero, Request{Action: LR, Factor: number(2)}, nil, "stays 2 times that of the schedule", 7},
		{"rate where the schedule has 0", zero, Request{Action: LR, Rate: number(0.02)}, ErrNow, "schedule's learning rate is 0 here", 0},
		{"factor in the last step", last, Request{Action: LR, Factor: number(2)}, ErrNow, "step 20 is the last one", 0},
		{"too many changes", changed, Request{Action: LR, Factor: number(2)}, ErrNow, "limit of a run", 0},
		{"factor 0", at(Training), Request{Action: LR, Factor: number(0)}, ErrValue, "factor is 0 and must be above 0", 0},
		{"negative factor", at(Training), Request{Action: LR, Factor: number(-1)}, ErrValue, "factor is -1 ", 0},
		{"factor NaN", at(Training), Request{Action: LR, Factor: number(math.NaN())}, ErrValue, "factor is NaN", 0},
		{"infinite rate", at(Training), Request{Action: LR, Rate: number(math.Inf(1))}, ErrValue, "lr is +Inf", 0},
		{"rate that overflows the factor", Position{Phase: Paused, Steps: 20, LR: 1e-300, Factor: 1}, Request{Action: LR, Rate: number(1e300)}, ErrValue, "not above 0 and finite", 0},
		{"factor that underflows", at(Training), Request{Action: LR, Factor: number(5e-324)}, ErrValue, "not above 0 and finite", 0},
		{"no value", at(Training), Request{Action: LR}, ErrValue, `{"factor": 0.5}`, 0},
		{"both values", at(Training), Request{Action: LR, Factor: number(1), Rate: number(1)}, ErrValue, "either", 0},
		{"pause with a value", at(Training), Request{Action: Pause, Factor: number(1)}, ErrValue, "takes no values", 0},
		{"factor in a validation", at(Validating), Request{Action: LR, Factor: number(2)}, ErrNow, "validates", 0},
		{"pause in a validation", at(Validating), Request{Action: Pause}, nil, "after step 7 the run writes a checkpoint and pauses", 7},
		{"checkpoint in a validation", at(Validating), Request{Action: Checkpoint}, nil, "after step 7 ", 7},
		{"pause in the last validation", Position{Phase: Validating, Step: 20, Steps: 20, Factor: 1}, Request{Action: Pause}, ErrNow, "ends after this validation", 0},
		{"stop before the first step", Position{}, Request{Action: Stop}, nil, "after step 0 ", 0},
		{"pause before the first step", Position{}, Request{Action: Pause}, ErrNow, "has not begun", 0},
		{"stop after the end", at(Ended), Request{Action: Stop}, ErrNow, "has ended", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			control := New()
			_, release := control.Attach(t.Context())
			defer release()
			control.Take(c.at)
			a, err := control.Do(c.q)
			text := a.Text
			if err != nil {
				text = err.Error()
			}
			if !errors.Is(err, c.err) || !strings.Contains(text, c.text) || a.AfterStep != c.step {
				t.Errorf("%v, %v; want %q after step %d, %v", a, err, c.text, c.step, c.err)
			}
		})
	}
}

// TestTake: requests reach the run once, in order, with the changes of those that wait counted.
func TestTake(t *testing.T) {
	c := New()
	ctx, release := c.Attach(t.Context())
	p := Position{Phase: Training, Step: 1, Steps: 9, LR: 1, NextLR: 1, Factor: 1}
	c.Take(p)
	for _, q := range []Request{{Action: LR, Factor: number(0.5)}, {Action: Pause}, {Action: LR, Factor: number(0.5)}, {Action: Pause}, {Action: Continue}, {Action: Pause}} {
		if a, err := c.Do(q); err != nil || q.Action == LR && a.Factor != 0.5 && a.Factor != 0.25 {
			t.Errorf("%v: %v, %v", q.Action, a, err)
		}
	}
	p.Step = 2
	got := ""
	for _, q := range c.Take(p) {
		got += q.Action + " "
	}
	if got != "lr pause lr continue pause " { // the second pause was no change
		t.Errorf("took %q", got)
	}
	if a, err := c.Do(Request{Action: LR, Factor: number(2)}); err != nil || a.Factor != 0.5 || a.AfterStep != 2 {
		t.Errorf("while the run carries them out: %v, %v", a, err)
	}
	if c.Stopped() || ctx.Err() != nil {
		t.Error("stopped")
	}
	if _, err := c.Do(Request{Action: Stop}); err != nil || !c.Stopped() || ctx.Err() == nil {
		t.Errorf("stop: %v, %v", err, ctx.Err())
	}
	if _, err := c.Do(Request{Action: Checkpoint}); !errors.Is(err, ErrNow) {
		t.Errorf("after a stop: %v", err)
	}
	release()
	if _, err := c.Do(Request{Action: Stop}); !errors.Is(err, ErrNow) {
		t.Errorf("after the end: %v", err)
	}
}

// TestWaitingIsBounded: requests beyond the limit are refused.
func TestWaitingIsBounded(t *testing.T) {
	c := New()
	_, release := c.Attach(t.Context())
	defer release()
	c.Take(Position{Phase: Training, Steps: 9})
	for i := range maxWaiting + 1 {
		if _, err := c.Do(Request{Action: Checkpoint}); (err != nil) != (i == maxWaiting) || err != nil && !errors.Is(err, ErrTooMany) {
			t.Errorf("request %d: %v", i+1, err)
		}
	}
}

// TestWait: a request, a stop, the end of the context and the end of the time each end the waiting.
func TestWait(t *testing.T) {
	for name, wake := range map[string]func(c *Control, cancel func()){
		"request": func(c *Control, _ func()) { _, _ = c.Do(Request{Action: Checkpoint}) },
		"stop":    func(c *Control, _ func()) { _, _ = c.Do(Request{Action: Stop}) },
		"context": func(_ *Control, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			parent, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := New()
			ctx, release := c.Attach(parent)
			defer release()
			c.Take(Position{Phase: Paused, Steps: 9})
			var waiting sync.WaitGroup
			waiting.Go(func() { c.Wait(ctx, time.Hour) })
			wake(c, cancel)
			waiting.Wait()
		})
	}
	c := New()
	c.Wait(t.Context(), time.Nanosecond)
}

// TestNil: before a run begins nothing is possible, and a run without a control is not changed.
func TestNil(t *testing.T) {
	for _, action := range Actions {
		q := Request{Action: action}
		if action == LR {
			q.Factor = number(2)
		}
		if _, err := New().Do(q); !errors.Is(err, ErrNow) {
			t.Errorf("%s before the run begins: %v", action, err)
		}
	}
	var c *Control
	ctx, release := c.Attach(t.Context())
	release()
	if ctx != t.Context() || c.Take(Position{}) != nil || c.Stopped() {
		t.Error("a nil control does something")
	}
}

// TestExactly: the rate of a change is the requested one to the last bit where a factor allows it.
func TestExactly(t *testing.T) {
	for _, scheduled := range []float64{0.1, 0.0973, 1e-3, 0.05 / 3} {
		f, err := Request{Action: LR, Rate: number(0.01)}.Apply(7, scheduled)
		if err != nil || math.Abs(f*scheduled-0.01) > 2e-18 {
			t.Errorf("schedule %v: %v, %v", scheduled, f*scheduled, err)
		}
	}
}
