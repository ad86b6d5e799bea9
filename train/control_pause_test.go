package train

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"depthwise.dev/checkpoints"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/train/control"
)

// TestPause: a paused run answers, writes a checkpoint, and computes the same as one that was not paused; its times leave the
// pause out.
func TestPause(t *testing.T) {
	data := testset.Images(t, 14, 3)
	config := small(t, data)
	config.CheckpointEvery = "1h"
	want := outcome(t, fit(t, config))
	for _, c := range []struct {
		name   string
		after  map[int64][]control.Request
		paused []control.Request
		same   bool
		events string
	}{
		{"pause", map[int64][]control.Request{4: {action(control.Pause)}}, []control.Request{action(control.Continue)}, true, "4 pause, 4 continue"},
		{"pause before a validation", map[int64][]control.Request{6: {action(control.Pause)}}, []control.Request{action(control.Continue)}, true, "6 pause, 6 continue"},
		{"taken back", map[int64][]control.Request{4: {action(control.Pause), action(control.Continue)}}, nil, true, ""},
		{"checkpoint", map[int64][]control.Request{4: {action(control.Checkpoint)}}, nil, true, ""},
		{"checkpoint in a pause", map[int64][]control.Request{4: {action(control.Pause)}}, []control.Request{action(control.Checkpoint), action(control.Pause), action(control.Continue)}, true, "4 pause, 4 continue"},
		{"change in a pause", map[int64][]control.Request{4: {action(control.Pause)}}, []control.Request{factor(0.5), action(control.Continue)}, false, "4 pause, 4 lr 0.5, 4 continue"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := config
			config.Out = filepath.Join(t.TempDir(), "run")
			r := &requests{after: c.after, paused: c.paused, waited: time.Hour, now: time.Unix(1e9, 0)}
			r.t, r.c = t, control.New()
			result, err := Trainer{Control: r.c, now: func() time.Time { r.now = r.now.Add(time.Millisecond); return r.now }}.Fit(t.Context(), config, r)
			if err != nil {
				t.Fatal(err)
			}
			if end := outcome(t, result); c.same {
				checkOutcome(t, end, want)
			} else if end.final == want.final {
				t.Error("the change had no effect")
			}
			if got := strings.Join(controls(t, result.Dir), ", "); got != c.events {
				t.Errorf("events %q, want %q", got, c.events)
			}
			saved := false
			for _, e := range r.events {
				switch e := e.(type) {
				case report.Step:
					if e.ImagesPerSecond < 1 {
						t.Errorf("step %d: %v images per second", e.Step, e.ImagesPerSecond)
					}
				case report.Epoch:
					if e.Seconds > 60 {
						t.Errorf("epoch %d: %v s", e.Epoch, e.Seconds)
					}
				case report.Checkpoint:
					saved = saved || e.Step == 4
				case report.Control:
					if e.Action == control.Continue && (e.Seconds < 3600 || e.Seconds > 3660) {
						t.Errorf("a pause of %v s", e.Seconds)
					}
				case report.Done:
					if e.Seconds > 60 {
						t.Errorf("the run took %v s", e.Seconds)
					}
				}
			}
			if _, ok := c.after[4]; ok && !saved && c.name != "taken back" {
				t.Error("there is no checkpoint after step 4")
			}
		})
	}
}

// TestStop: a stop ends a run as an interruption does, also while it is paused or validates, and it can be continued.
func TestStop(t *testing.T) {
	data := testset.Images(t, 14, 3)
	config := small(t, data)
	config.CheckpointEvery = "1h"
	want := outcome(t, fit(t, config))
	stop := []control.Request{action(control.Stop), action(control.Stop)}
	for _, c := range []struct {
		name string
		r    *requests
		step int64
	}{
		{"in a step", &requests{after: map[int64][]control.Request{4: stop}}, 4},
		{"before a validation", &requests{after: map[int64][]control.Request{6: stop}}, 6},
		{"paused", &requests{after: map[int64][]control.Request{4: {action(control.Pause)}}, paused: stop}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := config
			config.Out, config.Resume = filepath.Join(t.TempDir(), "run"), "auto"
			result, err := fitAsked(t, config, c.r)
			if !errors.Is(err, ErrInterrupted) || result.Step != c.step {
				t.Fatalf("step %d, %v", result.Step, err)
			}
			if done := c.r.events[len(c.r.events)-1].(report.Done); done.Status != report.Interrupted {
				t.Errorf("it ended as %s", done.Status)
			}
			if _, err := c.r.c.Do(action(control.Pause)); !errors.Is(err, control.ErrNow) {
				t.Errorf("after the end: %v", err)
			}
			again, err := fitAsked(t, config, &requests{})
			if err != nil {
				t.Fatal(err)
			}
			checkOutcome(t, outcome(t, again), want)
		})
	}
}

// TestRequestsInAValidation: a pause waits until the validation has ended, a change of the learning rate is refused.
func TestRequestsInAValidation(t *testing.T) {
	config := small(t, testset.Images(t, 14, 3))
	config.CheckpointEvery = "1h"
	want := outcome(t, fit(t, config))
	config.Out = filepath.Join(t.TempDir(), "run")
	r := &requests{t: t, c: control.New(), paused: []control.Request{action(control.Continue)}}
	asked := false
	result, err := Trainer{Control: r.c}.Fit(t.Context(), config, recorderFunc(func(e report.Event) error {
		if v, ok := e.(report.Validation); ok && !asked && v.Epoch == 2 {
			asked = true
			if _, err := r.c.Do(factor(0.5)); !errors.Is(err, control.ErrNow) {
				t.Errorf("a change of the learning rate: %v", err)
			}
			r.do([]control.Request{action(control.Pause)})
		}
		return r.Record(e)
	}))
	if err != nil {
		t.Fatal(err)
	}
	checkOutcome(t, outcome(t, result), want)
	if got := strings.Join(controls(t, result.Dir), ", "); got != "12 pause, 12 continue" {
		t.Errorf("events %q", got)
	}
}

// TestPauseAndTimeLimits: neither --time nor --stop-after counts a pause.
func TestPauseAndTimeLimits(t *testing.T) {
	data := testset.Images(t, 14, 3)
	for _, c := range timeLimits {
		t.Run(c.name, func(t *testing.T) {
			config := small(t, data)
			config.CheckpointEvery, config.Keep = "1h", 100
			c.limit(&config)
			r := &requests{t: t, c: control.New(), after: map[int64][]control.Request{8: {action(control.Pause)}}, paused: []control.Request{action(control.Checkpoint), action(control.Continue)}, waited: time.Hour, now: time.Unix(1e9, 0)}
			result, err := Trainer{Control: r.c, now: func() time.Time { r.now = r.now.Add(time.Millisecond); return r.now }}.Fit(t.Context(), config, r)
			if err != nil || !result.Finished || result.Step != 18 || len(controls(t, result.Dir)) != 2 {
				t.Errorf("%+v, %v", result, err)
			}
			f, err := checkpoints.Read(filepath.Join(result.Dir, "checkpoints", "step-00000008.safetensors")) // written in the pause
			var p progress
			if err == nil {
				err = json.Unmarshal([]byte(f.Meta[metaProgress]), &p)
			}
			if err != nil || p.Budget != nil && p.Budget.Used > time.Minute || (p.Budget != nil) != (config.Time > 0) {
				t.Errorf("the checkpoint of the pause: %+v, %v", p.Budget, err)
			}
		})
	}
}
