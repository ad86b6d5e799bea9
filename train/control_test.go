package train

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/report/history"
	"depthwise.dev/train/control"
)

func factor(f float64) control.Request { return control.Request{Action: control.LR, Factor: &f} }
func rate(f float64) control.Request   { return control.Request{Action: control.LR, Rate: &f} }
func action(a string) control.Request  { return control.Request{Action: a} }

// requests asks for something when a step was recorded, and for what follows when the run has paused.
type requests struct {
	t      *testing.T
	c      *control.Control
	after  map[int64][]control.Request // by steps
	paused []control.Request
	events []report.Event
	waited time.Duration // of the clock during the pause
	now    time.Time
}

func (r *requests) Close() error { return nil }

func (r *requests) Record(e report.Event) error {
	r.events = append(r.events, e)
	switch e := e.(type) {
	case report.Step:
		r.do(r.after[e.Step])
	case report.Control:
		if e.Action == control.Pause {
			r.now = r.now.Add(r.waited)
			r.do(r.paused)
		}
	}
	return nil
}

func (r *requests) do(list []control.Request) {
	for _, q := range list {
		if _, err := r.c.Do(q); err != nil {
			r.t.Errorf("%s: %v", q.Action, err)
			_, _ = r.c.Do(action(control.Stop)) // a paused run would wait for ever
		}
	}
}

// fitAsked trains with requests.
func fitAsked(t *testing.T, c config.Config, r *requests) (Result, error) {
	t.Helper()
	r.t, r.c = t, control.New()
	return Trainer{Control: r.c}.Fit(t.Context(), c, r)
}

// rates are the learning rates of the steps of a run.
func rates(events []report.Event) []float64 {
	list := []float64{}
	for _, e := range events {
		if s, ok := e.(report.Step); ok {
			list = append(list, s.LR)
		}
	}
	return list
}

// controls are the control events in the file of a run, as texts.
func controls(t *testing.T, dir string) []string {
	t.Helper()
	list := []string{}
	err := history.Events(filepath.Join(dir, eventsFile), func(e report.Event) error {
		if c, ok := e.(report.Control); ok {
			text := fmt.Sprintf("%d %s", c.Step, c.Action)
			if c.Action == control.LR {
				text += fmt.Sprintf(" %.4g", c.LRFactor)
			}
			list = append(list, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestLRChanges: a change affects the steps after it, in proportion to the schedule, whatever the schedule is.
func TestLRChanges(t *testing.T) {
	data := testset.Images(t, 14, 3) // 6 steps an epoch
	for _, c := range []struct {
		name    string
		after   map[int64][]control.Request
		change  func(*config.Config)
		factors map[int]float64 // from these steps on
		events  string
	}{
		{"a factor", map[int64][]control.Request{4: {factor(0.5)}}, nil, map[int]float64{5: 0.5}, "4 lr 0.5"},
		{"two in one step", map[int64][]control.Request{4: {factor(0.5), factor(0.1)}}, nil, map[int]float64{5: 0.05}, "4 lr 0.5 4 lr 0.05"},
		{"and back", map[int64][]control.Request{2: {factor(0.25)}, 9: {factor(4)}}, nil, map[int]float64{3: 0.25, 10: 1}, "2 lr 0.25 9 lr 1"},
		{"a rate", map[int64][]control.Request{3: {rate(0.005)}}, func(c *config.Config) { c.Schedule = "constant" }, map[int]float64{4: 0.25}, "3 lr 0.25"},
		{"at the end of an epoch", map[int64][]control.Request{6: {factor(2)}}, nil, map[int]float64{7: 2}, "6 lr 2"},
		{"within the warmup", map[int64][]control.Request{1: {factor(2)}}, func(c *config.Config) { c.WarmupEpochs = 1 }, map[int]float64{2: 2}, "1 lr 2"},
		{"plateau", map[int64][]control.Request{1: {factor(2)}}, func(c *config.Config) {
			c.Schedule, c.PlateauPatience, c.PlateauThreshold, c.Gamma = "plateau", 0, 1, 0.5
		}, map[int]float64{2: 2}, "1 lr 2"},
		{"weight averaging, accumulation", map[int64][]control.Request{2: {factor(0.5)}}, func(c *config.Config) {
			c.SWAEpochs, c.SWALR, c.Accumulate, c.EMADecay = 1, 0.01, 2, 0.9
		}, map[int]float64{3: 0.5}, "2 lr 0.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := small(t, data)
			if c.change != nil {
				c.change(&config)
			}
			config.CheckpointEvery = "1h"
			plain := config
			plain.Out = filepath.Join(t.TempDir(), "plain")
			_, events := fitBy(t, Trainer{}, plain)
			want := rates(events)
			r := &requests{after: c.after}
			result, err := fitAsked(t, config, r)
			if err != nil {
				t.Fatal(err)
			}
			now := 1.0
			for i, lr := range rates(r.events) {
				if f, ok := c.factors[i+1]; ok {
					now = f
				}
				if c.name == "plateau" && i >= 6 {
					break // the results of epochs differ, and with them the schedule
				}
				if math.Abs(lr-now*want[i]) > 1e-15 { // the factors are exact or a product of two roundings
					t.Errorf("step %d: learning rate %v, want %v times %v", i+1, lr, now, want[i])
				}
			}
			if got := strings.Join(controls(t, result.Dir), " "); got != c.events {
				t.Errorf("events %q, want %q", got, c.events)
			}
		})
	}
}

// TestChangedRunsResumeExactly: a run whose learning rate was changed is, interrupted and continued, the same as without the
// interruption, and from a checkpoint before the change it is the run without it.
func TestChangedRunsResumeExactly(t *testing.T) {
	data := testset.Images(t, 14, 3)
	for _, c := range resumeCases {
		switch c.name {
		case "sgd, no workers", "rmsprop, accumulate, clip, mid-warmup", "sgd, weight average", "plateau", "weight averaging of the last epochs", "cached features, then not":
		default:
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			config := small(t, data)
			c.change(&config)
			config.Keep = 100
			result, err := fitAsked(t, config, &requests{after: map[int64][]control.Request{2: {factor(0.5)}, 4: {factor(3)}}})
			if err != nil {
				t.Fatal(err)
			}
			want := outcome(t, result)
			config.Out, config.Resume = filepath.Join(t.TempDir(), "run"), "auto"
			if _, err = fitAsked(t, config, &requests{after: map[int64][]control.Request{2: {factor(0.5)}, 4: {factor(3)}, 5: {action(control.Stop)}}}); !errors.Is(err, ErrInterrupted) {
				t.Fatalf("stopped: %v", err)
			}
			again, err := fitAsked(t, config, &requests{})
			if err != nil {
				t.Fatal(err)
			}
			checkOutcome(t, outcome(t, again), want)
			if got := strings.Join(controls(t, again.Dir), ", "); got != "2 lr 0.5, 4 lr 1.5, 5 stop" {
				t.Errorf("events %q", got)
			}

			older := config
			older.Out, older.Resume = filepath.Join(t.TempDir(), "older"), filepath.Join(result.Dir, "checkpoints", "step-00000003.safetensors")
			r := &requests{after: map[int64][]control.Request{4: {factor(3)}}}
			again, err = fitAsked(t, older, r)
			if err != nil {
				t.Fatal(err)
			}
			if end := outcomeFiles(t, again); end.final != want.final || end.best != want.best {
				t.Error("the run from the checkpoint of step 3 with the later change again has other bits")
			}
		})
	}
}

// outcomeFiles is outcome without the events of steps, which a run from another folder's checkpoint lacks.
func outcomeFiles(t *testing.T, r Result) endState {
	t.Helper()
	return endState{final: hashOf(t, filepath.Join(r.Dir, "checkpoints", fmt.Sprintf("step-%08d.safetensors", r.Step))), best: hashOf(t, filepath.Join(r.Dir, "best.safetensors"))}
}

// TestKilledAfterAChange: SIGKILL after the checkpoint of a change loses nothing, and before it leaves no trace of the change.
func TestKilledAfterAChange(t *testing.T) {
	data := testset.Images(t, 14, 3)
	for _, c := range []struct {
		waits string // the event at which the process is killed
		every string
		keeps bool
	}{{"checkpoint", "1h", true}, {"control", "1h", false}, {"control", "1steps", false}} {
		t.Run(c.waits+" "+c.every, func(t *testing.T) {
			config := small(t, data)
			config.CheckpointEvery = c.every
			want := map[int64][]control.Request{}
			if c.keeps {
				want[4] = []control.Request{factor(0.5)}
			}
			result, err := fitAsked(t, config, &requests{after: want})
			if err != nil {
				t.Fatal(err)
			}
			end := outcome(t, result)
			changes := strings.Join(controls(t, result.Dir), ", ")

			text, err := config.YAML()
			if err != nil {
				t.Fatal(err)
			}
			config.Out, config.Resume = filepath.Join(t.TempDir(), "run"), "auto"
			killedAt(t, writeFile(t, string(text)), config.Out, fmt.Sprintf("0.5 4 %s", c.waits))
			again, err := fitAsked(t, config, &requests{})
			if err != nil {
				t.Fatal(err)
			}
			checkOutcome(t, outcome(t, again), end)
			if got := strings.Join(controls(t, again.Dir), ", "); got != changes {
				t.Errorf("events %q, want %q", got, changes)
			}
		})
	}
}

// killedAt trains in another process, and kills it when it waits at an event.
func killedAt(t *testing.T, config, out, plan string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), trainerEnv+"="+config, trainerOutEnv+"="+out, trainerControlEnv+"="+plan)
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		_, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for !strings.Contains(text, "waits") {
		block := make([]byte, 256)
		n, err := stdout.Read(block)
		if text += string(block[:n]); err != nil {
			t.Fatalf("the process ended after %q: %v", text, err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
}

// controlOf lets a trainer process change the learning rate once: "FACTOR STEP EVENT". The process then waits at the first
// event of that kind after the change to be killed. Without a plan it does nothing.
func controlOf(plan string, t *Trainer) func(report.Event) {
	var by float64
	var after int64
	var kind string
	if n, _ := fmt.Sscanf(plan, "%g %d %s", &by, &after, &kind); n < 3 {
		return func(report.Event) {}
	}
	t.Control = control.New()
	changed := false
	return func(e report.Event) {
		if s, ok := e.(report.Step); ok && s.Step == after {
			if _, err := t.Control.Do(factor(by)); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
		changed = changed || e.Kind() == (report.Control{}).Kind()
		if changed && e.Kind() == kind {
			fmt.Println("waits")
			_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed, or the test is gone
		}
	}
}

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
	for _, c := range []struct {
		name  string
		limit func(*config.Config)
	}{
		{"--time", func(c *config.Config) { c.Time = time.Minute }},
		{"--stop-after", func(c *config.Config) { c.StopAfter = time.Minute }},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := small(t, data)
			config.CheckpointEvery = "1h"
			c.limit(&config)
			r := &requests{t: t, c: control.New(), after: map[int64][]control.Request{8: {action(control.Pause)}}, paused: []control.Request{action(control.Continue)}, waited: time.Hour, now: time.Unix(1e9, 0)}
			result, err := Trainer{Control: r.c, now: func() time.Time { r.now = r.now.Add(time.Millisecond); return r.now }}.Fit(t.Context(), config, r)
			if err != nil || !result.Finished || result.Step != 18 || len(controls(t, result.Dir)) != 2 {
				t.Errorf("%+v, %v", result, err)
			}
		})
	}
}
