package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/models"
	"depthwise.dev/optim"
	"depthwise.dev/report"
)

// oneHot returns the labels as rows of zeros and a one.
func oneHot(labels []int64, classes int) []float32 {
	rows := make([]float32, len(labels)*classes)
	for i, label := range labels {
		rows[i*classes+int(label)] = 1
	}
	return rows
}

// squaredError is the mean squared error of the probabilities.
func squaredError(s *autograd.Scope, logits *autograd.Tensor, t autograd.Targets) *autograd.Tensor {
	n, classes := logits.Shape()[0], logits.Shape()[1]
	targets := autograd.FromSlice(s, oneHot(t.Labels, int(classes)), n, classes)
	return s.Mean(s.Square(s.Subtract(s.Softmax(logits, 1), targets)))
}

// plainSGD is the configured optimizer of small, made by the caller.
var plainSGD = Optimizer{Name: "plain SGD", New: func(s *autograd.Scope, parameters []optim.Parameter) (optim.Optimizer, error) {
	return optim.NewSGD(s, parameters, optim.SGD{Momentum: 0.9, WeightDecay: 4e-5}), s.Err()
}}

// TestLossOfTheCaller: the recorded loss is that of the logits, computed by hand in float64, and
// training lowers it.
func TestLossOfTheCaller(t *testing.T) {
	c := small(t, testset.Images(t, 14, 3))
	var byHand []float64
	loss := Loss{Name: "squared error", Compute: func(s *autograd.Scope, logits *autograd.Tensor, targets autograd.Targets) *autograd.Tensor {
		byHand = append(byHand, squaredErrorByHand(autograd.ToSlice[float32](s, logits), targets.Labels))
		return squaredError(s, logits, targets)
	}}
	_, events := fitBy(t, Trainer{Loss: loss, Optimizer: plainSGD}, c)
	var losses []float64
	for _, e := range events {
		if e, ok := e.(report.Step); ok {
			losses = append(losses, e.Loss)
		}
	}
	if len(losses) != 18 || len(byHand) != 18 {
		t.Fatalf("%d losses of %d batches", len(losses), len(byHand))
	}
	for i, want := range byHand {
		if math.Abs(losses[i]-want) > 1e-6 { // float32, the mean of 24 squares below 1
			t.Errorf("step %d: loss %v, by hand %v", i+1, losses[i], want)
		}
	}
	if first, last := mean(losses[:6]), mean(losses[12:]); last >= first {
		t.Errorf("the loss of the first epoch is %v, of the last %v", first, last)
	}
}

func squaredErrorByHand(logits []float32, labels []int64) float64 {
	classes, sum := len(logits)/len(labels), 0.0
	for i, want := range oneHot(labels, classes) {
		row, total := logits[i/classes*classes:][:classes], 0.0
		for _, v := range row {
			total += math.Exp(float64(v))
		}
		d := math.Exp(float64(logits[i]))/total - float64(want)
		sum += d * d
	}
	return sum / float64(len(logits))
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// TestPartsOfTheCaller: a loss and an optimizer that are the configured ones give the configured
// run's weights, bit for bit.
func TestPartsOfTheCaller(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	c.Backend = "torch"
	want := readOrFail(t, fit(t, c).Dir)
	crossEntropy := Loss{Name: "cross entropy", Compute: func(s *autograd.Scope, logits *autograd.Tensor, targets autograd.Targets) *autograd.Tensor {
		labels := autograd.FromSlice(s, targets.Labels, int64(len(targets.Labels)))
		return autograd.CrossEntropy{LabelSmoothing: c.LabelSmoothing}.Loss(s, logits, labels)
	}}
	for _, test := range []struct {
		name    string
		trainer Trainer
		same    bool
	}{
		{"loss", Trainer{Loss: crossEntropy}, true},
		{"optimizer", Trainer{Optimizer: plainSGD}, true},
		{"another loss", Trainer{Loss: Loss{Name: "squared error", Compute: squaredError}}, false},
		{"another optimizer", Trainer{Optimizer: Optimizer{Name: "descent", New: func(s *autograd.Scope, p []optim.Parameter) (optim.Optimizer, error) {
			return optim.NewSGD(s, p, optim.SGD{}), nil
		}}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := c
			c.Out = filepath.Join(t.TempDir(), "run")
			result, _ := fitBy(t, test.trainer, c)
			if same := reflect.DeepEqual(readOrFail(t, result.Dir).Arrays, want.Arrays); same != test.same {
				t.Errorf("the weights are those of the configured run: %v, want %v", same, test.same)
			}
		})
	}
	broken := errors.New("out of order")
	c.Out = filepath.Join(t.TempDir(), "run")
	_, err := Trainer{Optimizer: Optimizer{Name: "broken", New: func(*autograd.Scope, []optim.Parameter) (optim.Optimizer, error) { return nil, broken }}}.Fit(t.Context(), c, ignore)
	if !errors.Is(err, broken) {
		t.Errorf("an optimizer that cannot be made: %v", err)
	}
}

// TestOtherPartsAreRefused: a run is continued with the parts that it began with, and so is a
// finished run found finished.
func TestOtherPartsAreRefused(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	c.Epochs = 1
	begun := Trainer{Graph: graphOrFail(t), Loss: Loss{Name: "squared error", Compute: squaredError}, Optimizer: plainSGD}
	other, err := models.Build("small CNN", models.Input(models.Shape{Channels: 3, Height: 32, Width: 32}).
		Conv(models.Conv{Out: 4, Kernel: 3}).GlobalAvgPool().Linear(models.Linear{Out: 3}))
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range []string{"interrupted", "finished"} {
		c := c
		c.Out = filepath.Join(t.TempDir(), "run")
		ctx, cancel := context.WithCancel(t.Context())
		_, err := begun.Fit(ctx, c, recorderFunc(func(e report.Event) error {
			if run == "interrupted" && atStep(2)(e) {
				cancel()
			}
			return nil
		}))
		cancel()
		if interrupted := errors.Is(err, ErrInterrupted); interrupted != (run == "interrupted") || err != nil && !interrupted {
			t.Fatal(err)
		}
		c.Resume = "auto"
		for _, test := range []struct {
			name   string
			change func(*Trainer)
			want   string
		}{
			{"loss", func(t *Trainer) { t.Loss.Name = "other" }, `the loss was "squared error" and is "other"`},
			{"configured loss", func(t *Trainer) { t.Loss = Loss{} }, `the loss was "squared error" and is the configured one`},
			{"optimizer", func(t *Trainer) { t.Optimizer.Name = "other" }, `the optimizer was "plain SGD" and is "other"`},
			{"configured optimizer", func(t *Trainer) { t.Optimizer = Optimizer{} }, `the optimizer was "plain SGD" and is the configured one`},
			{"graph", func(t *Trainer) { t.Graph = other }, `the network was graph "small CNN" and is graph "small CNN", with other layers`},
			{"configured network", func(t *Trainer) { t.Graph = nil }, `the network was graph "small CNN" and is graph "mobilenet_v1 paper, width 0.25"`},
		} {
			t.Run(run+", "+test.name, func(t *testing.T) {
				trainer := begun
				test.change(&trainer)
				_, err := trainer.Fit(t.Context(), c, ignore)
				if !errors.Is(err, ErrOtherRun) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "--arch") {
					t.Errorf("error %v, want %q", err, test.want)
				}
			})
		}
		t.Run(run+", the same", func(t *testing.T) {
			if result, _ := fitBy(t, begun, c); result.Step != 3 {
				t.Errorf("%+v", result)
			}
		})
	}
}

// TestCallbacks: callbacks are called in order, see each step and epoch once, and end the run.
func TestCallbacks(t *testing.T) {
	images := testset.Images(t, 6, 2) // batches of 8, 8 and 2
	broken := errors.New("out of order")
	for _, test := range []struct {
		name            string
		atStep, atEpoch error // returned at step 4, at epoch 2
		steps, epochs   int   // that are seen
		want            error
		message         string
		finished        bool
	}{
		{"to the end", nil, nil, 9, 3, nil, "", true},
		{"stop after a step", ErrStop, nil, 4, 2, nil, "", true},
		{"stop after a step, wrapped", fmt.Errorf("enough: %w", ErrStop), nil, 4, 2, nil, "", true},
		{"stop after an epoch", nil, ErrStop, 6, 2, nil, "", true},
		{"error after a step", broken, nil, 4, 1, broken, "train: epoch 2 step 4: callback: out of order", false},
		{"error after an epoch", nil, broken, 6, 2, broken, "train: epoch 2: callback: out of order", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := small(t, images)
			var calls []string
			var last report.Epoch
			callback := func(name string) Callback {
				return Callback{
					AfterStep: func(s *autograd.Scope, n *backend.Network, e report.Step) error {
						calls = append(calls, fmt.Sprint(name, " step ", e.Step))
						if len(autograd.ToSlice[float32](s, n.Parameters()[0].Tensor)) == 0 {
							t.Error("a network without values")
						}
						if e.Step == 4 && name == "a" {
							return test.atStep
						}
						return nil
					},
					AfterEpoch: func(_ *autograd.Scope, _ *backend.Network, e report.Epoch) error {
						calls, last = append(calls, fmt.Sprint(name, " epoch ", e.Epoch)), e
						if e.Epoch == 2 && name == "a" {
							return test.atEpoch
						}
						return nil
					},
				}
			}
			status := ""
			result, err := Trainer{Callbacks: []Callback{callback("a"), {}, callback("b")}}.Fit(t.Context(), c, recorderFunc(func(e report.Event) error {
				if e, ok := e.(report.Done); ok {
					status = e.Status
				}
				return nil
			}))
			if !errors.Is(err, test.want) || err != nil && err.Error() != test.message {
				t.Errorf("error %v, want %q", err, test.message)
			}
			if want := wantedCalls(test.steps, test.epochs, test.want != nil); !slices.Equal(calls, want) {
				t.Errorf("calls\n%q, want\n%q", calls, want)
			}
			if (status == report.Finished) != test.finished {
				t.Errorf("status %q", status)
			}
			if !test.finished {
				return
			}
			if result.Step != int64(test.steps) || result.Epochs != test.epochs || last.ValImages != 6 {
				t.Errorf("result %+v, last epoch %+v", result, last)
			}
			checkFinished(t, c, result)
		})
	}
}

// TestBeforeStep: the callback knows which step follows, and can end the run with it.
func TestBeforeStep(t *testing.T) {
	images := testset.Images(t, 6, 2) // batches of 8, 8 and 2
	broken := errors.New("out of order")
	for _, tt := range []struct {
		name  string
		at    int64 // step before which it returns the error
		err   error
		steps int64
		want  error
	}{
		{"to the end", 0, nil, 6, nil},
		{"stop", 3, ErrStop, 3, nil},
		{"stop in the second epoch", 4, ErrStop, 4, nil},
		{"error", 3, broken, 2, broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := small(t, images)
			c.Epochs = 2
			var calls []string
			result, err := Trainer{Callbacks: []Callback{{}, {BeforeStep: func(_ *autograd.Scope, n *backend.Network, e report.Step) error {
				calls = append(calls, fmt.Sprint(e.Step, " after ", e.Batch, " of ", e.Batches, " in epoch ", e.Epoch))
				if n == nil || e.Step == tt.at {
					return tt.err
				}
				return nil
			}}}}.Fit(t.Context(), c, ignore)
			want := []string{"1 after 0 of 3 in epoch 1", "2 after 1 of 3 in epoch 1", "3 after 2 of 3 in epoch 1",
				"4 after 0 of 3 in epoch 2", "5 after 1 of 3 in epoch 2", "6 after 2 of 3 in epoch 2"}
			if tt.at > 0 {
				want = want[:tt.at]
			}
			if !errors.Is(err, tt.want) || result.Step != tt.steps || !slices.Equal(calls, want) {
				t.Errorf("error %v, step %d, want %v and %d; calls %q, want %q", err, result.Step, tt.want, tt.steps, calls, want)
			}
		})
	}
}

// wantedCalls are the calls of the callbacks a and b in batches of three steps; after an error of a
// the last one of b is missing.
func wantedCalls(steps, epochs int, failed bool) []string {
	var calls []string
	both := func(what string, n int) {
		calls = append(calls, fmt.Sprint("a ", what, " ", n), fmt.Sprint("b ", what, " ", n))
	}
	for step := 1; step <= steps; step++ {
		both("step", step)
		if step%3 == 0 && step/3 <= epochs {
			both("epoch", step/3)
		}
	}
	if steps%3 != 0 && !failed { // stopped within an epoch, which ends
		both("epoch", epochs)
	}
	if failed {
		calls = calls[:len(calls)-1]
	}
	return calls
}

// checkFinished: the last checkpoint is that of the last step, and a resume finds nothing to do.
func checkFinished(t *testing.T, c config.Config, want Result) {
	t.Helper()
	outcome(t, want) // reads the checkpoint of the last step
	c.Resume = "auto"
	got, events := fitBy(t, Trainer{}, c)
	if note, ok := events[0].(report.Note); got != want || len(events) != 1 || !ok || !strings.Contains(note.Text, "nothing to do") {
		t.Errorf("resumed: %+v, events %v; want %+v", got, events, want)
	}
}
