package train

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// slowDevice delivers the results of steps on the CPU as late as a GPU would: those of a readback are ready when so many
// later ones have been made.
type slowDevice struct {
	delay         int
	made, ended   int
	mostUnread    int
	waited, ready int // results that were read before they were ready, and after
}

// deliveredLate is a readback of a slowDevice.
type deliveredLate struct {
	*autograd.Readback
	of    *slowDevice
	at    int
	ended *bool
}

// trainer returns a trainer whose results come from the device.
func (d *slowDevice) trainer() Trainer {
	return Trainer{late: func(b *autograd.Readback) readback {
		d.made++
		d.mostUnread = max(d.mostUnread, d.made-d.ended)
		return deliveredLate{b, d, d.made, new(bool)}
	}}
}

func (l deliveredLate) Ready() bool { return l.of.made-l.at >= l.of.delay }

func (l deliveredLate) Values() ([]float64, error) {
	if l.Ready() {
		l.of.ready++
	} else {
		l.of.waited++
	}
	l.end()
	return l.Readback.Values()
}

func (l deliveredLate) Discard() {
	l.end()
	l.Readback.Discard()
}

func (l deliveredLate) end() {
	if !*l.ended {
		*l.ended = true
		l.of.ended++
	}
}

// never is a delay that ends with the wait for the results only.
const never = 1 << 30

// TestLateResults: a run whose results arrive late has the same checkpoints, events and metrics as one that reads them
// after each step, also when it is interrupted, and ends every readback.
func TestLateResults(t *testing.T) {
	data := testset.Images(t, 14, 3)
	for i, c := range resumeCases {
		delay := []int{2, 7, never}[i%3]
		t.Run(fmt.Sprintf("%s, delay %d", c.name, delay), func(t *testing.T) {
			config := small(t, data)
			config.CheckpointEvery = "4steps" // a checkpoint waits for all results
			c.change(&config)
			want := outcome(t, fit(t, config))
			device := &slowDevice{delay: delay}
			config.Out = filepath.Join(t.TempDir(), "run")
			result, err := device.trainer().Fit(t.Context(), config, ignore)
			if err != nil {
				t.Fatal(err)
			}
			checkOutcome(t, outcome(t, result), want)
			if device.made != device.ended {
				t.Errorf("%d results, of which %d were read or discarded", device.made, device.ended)
			}
			if i%4 == 0 {
				checkOutcome(t, outcome(t, interrupted(t, device.trainer(), config)), want)
			}
		})
	}
}

// TestPendingSteps: the host is at most maxPending steps ahead, reads results that are ready without delay, and is not ahead
// where a callback wants each step.
func TestPendingSteps(t *testing.T) {
	afterEpoch := Callback{AfterEpoch: func(*autograd.Scope, *backend.Network, report.Epoch) error { return nil }}
	afterStep := Callback{AfterStep: func(*autograd.Scope, *backend.Network, report.Step) error { return nil }}
	for _, tt := range []struct {
		name       string
		delay      int // in readbacks, of which a step has two
		callbacks  []Callback
		mostUnread int
		waited     bool
	}{
		{"ready after each step", 0, nil, 2, false},
		{"one step late", 2, nil, 4, true},
		{"later than the host waits", never, nil, 2 * (maxPending + 1), true},
		{"without a callback for steps", never, []Callback{afterEpoch}, 2 * (maxPending + 1), true},
		{"with a callback for steps", never, []Callback{afterEpoch, afterStep}, 2, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := small(t, testset.Images(t, 28, 3))
			c.Epochs, c.CheckpointEvery, c.BatchSize = 1, "100steps", 4
			device := &slowDevice{delay: tt.delay}
			trainer := device.trainer()
			trainer.Callbacks = tt.callbacks
			if _, err := trainer.Fit(t.Context(), c, ignore); err != nil {
				t.Fatal(err)
			}
			if device.mostUnread != tt.mostUnread || (device.waited > 0) != tt.waited {
				t.Errorf("%d unread results at most, %d waited for, want %d and %v", device.mostUnread, device.waited, tt.mostUnread, tt.waited)
			}
		})
	}
}

// TestDivergenceIsFoundLate: a loss or norm that is not finite is reported for its own step, and no checkpoint is written
// after it, also if the host has computed more steps by then.
func TestDivergenceIsFoundLate(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"loss":                func(c *config.Config) { c.LR = 1e30 },
		"norm":                func(c *config.Config) { c.LR, c.ClipGradNorm = 1e30, 1 },
		"sum of batches":      func(c *config.Config) { c.LR, c.Accumulate = 1e30, 2 },
		"loss in fp16":        func(c *config.Config) { c.LR, c.Precision = 1e30, "fp16" },
		"before a checkpoint": func(c *config.Config) { c.LR, c.CheckpointEvery = 1e30, "2steps" },
	} {
		t.Run(name, func(t *testing.T) {
			c := small(t, testset.Images(t, 28, 3))
			c.WarmupEpochs, c.CheckpointEvery = 1, "100steps"
			change(&c)
			now, want := Fit(t.Context(), c, ignore)
			c.Out = filepath.Join(t.TempDir(), "run")
			device := &slowDevice{delay: never}
			late, err := device.trainer().Fit(t.Context(), c, ignore)
			if !errors.Is(err, ErrNotFinite) || withoutFolder(err) != withoutFolder(want) {
				t.Errorf("error %v, want %v", err, want)
			}
			if late.Step != now.Step || device.made != device.ended {
				t.Errorf("step %d, want %d; %d results, %d of them ended", late.Step, now.Step, device.made, device.ended)
			}
			saved, err := filepath.Glob(filepath.Join(c.Out, weights.CheckpointFolder, "*.safetensors"))
			if err != nil || len(saved) > 0 && filepath.Base(saved[len(saved)-1]) > fmt.Sprintf("step-%08d.safetensors", now.Step) {
				t.Errorf("checkpoints %v after step %d, error %v", saved, now.Step, err)
			}
		})
	}
}

// withoutFolder is an error's text up to its advice, which names the run's folder.
func withoutFolder(err error) string {
	text, _, _ := strings.Cut(fmt.Sprint(err), "; training has diverged")
	return text
}

// TestFailureAfterLateResults: the steps before an error are recorded, and the error is the run's.
func TestFailureAfterLateResults(t *testing.T) {
	broken := errors.New("out of order")
	c := small(t, testset.Images(t, 28, 3))
	steps := int64(0)
	trainer := (&slowDevice{delay: never}).trainer()
	batches := 0
	trainer.Callbacks = []Callback{{BeforeBatch: func(*data.Batch, []string) error {
		if batches++; batches == 5 {
			return broken
		}
		return nil
	}}}
	_, err := trainer.Fit(context.Background(), c, recorderFunc(func(e report.Event) error {
		if e, ok := e.(report.Step); ok {
			steps = e.Step
		}
		return nil
	}))
	if !errors.Is(err, broken) || steps != 4 {
		t.Errorf("error %v after the record of step %d, want %v after 4", err, steps, broken)
	}
}
