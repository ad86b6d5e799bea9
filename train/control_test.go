package train

import (
	"errors"
	"fmt"
	"math"
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

// requests is a recorder that makes requests after given steps, and when the run has paused.
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

// fitAsked trains while requests are made.
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

// TestChangedRunsResumeExactly: a run whose learning rate was changed computes the same bits after an interruption and a resume. A
// run from an older checkpoint has only the changes before it, and with the later ones requested again it computes the same bits.
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

// TestChangesOfExtendedRuns: the factor stays in the epochs that an extension adds, and the line about the learning rate counts it.
func TestChangesOfExtendedRuns(t *testing.T) {
	config := small(t, testset.Images(t, 14, 3))
	config.Schedule, config.Epochs = "constant", 1
	if _, err := fitAsked(t, config, &requests{after: map[int64][]control.Request{2: {factor(0.5)}}}); err != nil {
		t.Fatal(err)
	}
	config.Resume, config.ExtendEpochs = "auto", 1
	r := &requests{}
	if _, err := fitAsked(t, config, r); err != nil {
		t.Fatal(err)
	}
	var notes []string
	for _, e := range r.events {
		switch e := e.(type) {
		case report.Note:
			notes = append(notes, e.Text)
		case report.Start:
			if e.LRFactor != 0.5 {
				t.Errorf("it starts with the factor %v", e.LRFactor)
			}
		case report.Step:
			if e.LR != 0.5*config.LR {
				t.Errorf("step %d: learning rate %v", e.Step, e.LR)
			}
		case report.Epoch:
			if e.LR != 0.5*config.LR {
				t.Errorf("epoch %d: learning rate %v", e.Epoch, e.LR)
			}
		}
	}
	for _, want := range []string{"the learning rate of the constant schedule remains 0.01", "the learning rate is that of the schedule times 0.5, as it was changed on request after step 2"} {
		if !strings.Contains(strings.Join(notes, "\n"), want) {
			t.Errorf("no note says %q: %q", want, notes)
		}
	}
}
