package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/internal/testset"
	"depthwise.dev/models"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// unbalanced is a data set of three classes with 12, 6 and 2 training images.
func unbalanced(t *testing.T) string {
	t.Helper()
	dir := testset.Images(t, 12, 3)
	for class, keep := range map[string]int{"green": 6, "red": 2} {
		list, err := filepath.Glob(filepath.Join(dir, "train", class, "*"))
		if err != nil || len(list) != 12 {
			t.Fatalf("%v, %v", list, err)
		}
		for _, path := range list[keep:] {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// costs writes a file of class weights for unbalanced.
func costs(t *testing.T, red float64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "costs.csv")
	if err := os.WriteFile(path, fmt.Appendf(nil, "blue,1\ngreen,0.5\nred,%v\n", red), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestResumeWithClassesOfOtherSizes: as TestResumeIsExact, with losses, class weights and samplers.
func TestResumeWithClassesOfOtherSizes(t *testing.T) {
	data := unbalanced(t) // batches of 8, 8 and 4
	weighted := costs(t, 3)
	for _, c := range []struct {
		name   string
		change func(*config.Config)
	}{
		{"balanced sampler, focal loss", func(c *config.Config) {
			c.Sampler, c.Loss, c.FocalGamma, c.Workers, c.Accumulate, c.Epochs = "balanced", "focal", 1.5, 2, 2, 6
		}},
		{"class weights, mixup", func(c *config.Config) { c.ClassWeights, c.MixUp = "balanced", 0.2 }},
		{"effective weights, reference backend", func(c *config.Config) { c.ClassWeights, c.Backend = "effective", "torch" }},
		{"cached features, sampler, class weights of a file", func(c *config.Config) {
			c.Freeze, c.Augment, c.Sampler, c.ClassWeights = "backbone", "none", "sqrt", weighted
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := small(t, data)
			config.Epochs = 4
			c.change(&config)
			want := outcome(t, fit(t, config))
			t.Run("interrupted", func(t *testing.T) { checkOutcome(t, outcome(t, interrupted(t, Trainer{}, config)), want) })
			t.Run("killed", func(t *testing.T) { checkOutcome(t, outcome(t, killed(t, config, 3, false)), want) })
		})
	}
}

// normless is a network without batch norm, whose loss of a batch is the mean of those of its parts.
func normless(t *testing.T) Trainer {
	t.Helper()
	x := models.Input(models.Shape{Channels: 3, Height: 32, Width: 32})
	x = x.Conv(models.Conv{Out: 8, Kernel: 5, Stride: 2, Bias: true}).ReLU()
	g, err := models.Build("no norm", x.GlobalAvgPool().Linear(models.Linear{Out: 3}))
	if err != nil {
		t.Fatal(err)
	}
	return Trainer{Graph: g}
}

// TestAccumulatedLosses: a step of several batches is the step of one batch with all their images, also where the images
// have different weights.
func TestAccumulatedLosses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*config.Config)
	}{
		{"cross entropy", func(*config.Config) {}},
		{"class weights", func(c *config.Config) { c.ClassWeights = "balanced" }},
		{"class weights, no smoothing", func(c *config.Config) { c.ClassWeights, c.LabelSmoothing = "effective", 0 }},
		{"focal loss, class weights", func(c *config.Config) { c.ClassWeights, c.Loss = "balanced", "focal" }},
		{"sampler", func(c *config.Config) { c.Sampler = "balanced" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			step := func(batch, accumulate int) (values []float32, loss float64) {
				config := small(t, unbalanced(t))
				config.BatchSize, config.Accumulate, config.MaxSteps, config.WarmupEpochs = batch, accumulate, 1, 0
				c.change(&config)
				r, events := fitBy(t, normless(t), config)
				f, err := checkpoints.Read(filepath.Join(r.Dir, weights.CheckpointFolder, "step-00000001.safetensors"))
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range f.Arrays {
					if v, err := checkpoints.Values[float32](a); err == nil {
						values = append(values, v...)
					}
				}
				for _, e := range events {
					if s, ok := e.(report.Step); ok {
						loss = s.Loss
					}
				}
				return values, loss
			}
			whole, loss := step(20, 1)
			parts, lossOfParts := step(7, 3)                                          // batches of 7, 7 and 6
			near := func(a, b float32) bool { return math.Abs(float64(a-b)) <= 2e-6 } // float32 sums in another order
			if !slices.EqualFunc(whole, parts, near) || math.Abs(loss-lossOfParts) > 2e-6 {
				t.Errorf("loss %v, of parts %v; parameters\n%v\nof parts\n%v", loss, lossOfParts, whole, parts)
			}
		})
	}
}

// TestWeightedTally: the mean loss of an epoch is weighted as that of a step, and its accuracy counts images.
func TestWeightedTally(t *testing.T) {
	for _, c := range []struct {
		name       string
		parts      []tally
		loss, top1 float64
	}{
		{"nothing", nil, 0, 0},
		{"no weights", []tally{{Images: 4, Loss: 8, Correct: 1}, {Images: 1, Loss: 4, Correct: 1}}, 12. / 5, 2. / 5},
		{"weights", []tally{{Images: 4, Loss: 8, Correct: 1, Weight: 2}, {Images: 1, Loss: 4, Correct: 1, Weight: 4}}, 12. / 6, 2. / 5},
	} {
		var sum tally
		for _, p := range c.parts {
			sum.add(p)
		}
		if loss, top1 := sum.rates(); loss != c.loss || top1 != c.top1 {
			t.Errorf("%s: loss %v, top-1 %v", c.name, loss, top1)
		}
	}
}

// TestClassWeightsOfARun: a file of the run has all weights, a note the smallest and the largest, and --class-weights
// reads the file.
func TestClassWeightsOfARun(t *testing.T) {
	c := small(t, unbalanced(t))
	c.ClassWeights, c.Epochs = "balanced", 1
	r, events := fitBy(t, Trainer{}, c)
	path := filepath.Join(r.Dir, classWeightsFile)
	want := "class,images,weight\nblue,12,0.5555555555555556\ngreen,6,1.1111111111111112\nred,2,3.3333333333333335\n"
	if got := string(testset.Contents(t, path)); got != want {
		t.Errorf("%s:\n%s\nwant\n%s", path, got, want)
	}
	wantNote(t, events, "class weights balanced: from 0.5556 (blue, 12 images) to 3.333 (red, 2 images), all in class_weights.csv; the validation loss is computed without them")
	again := c
	again.Out, again.ClassWeights = filepath.Join(t.TempDir(), "run"), path
	s, _ := fitBy(t, Trainer{}, again)
	if a, b := bestWeights(t, r), bestWeights(t, s); !slices.Equal(a, b) {
		t.Error("the weights of the file train another network")
	}
}

// bestWeights returns the values of best.safetensors.
func bestWeights(t *testing.T, r Result) (values []float32) {
	t.Helper()
	f, err := checkpoints.Read(filepath.Join(r.Dir, weights.BestFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range f.Arrays {
		v, err := checkpoints.Values[float32](a)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v...)
	}
	return values
}

func wantNote(t *testing.T, events []report.Event, want string) {
	t.Helper()
	var notes []string
	for _, e := range events {
		if n, ok := e.(report.Note); ok {
			notes = append(notes, n.Text)
		}
	}
	if !slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, want) }) {
		t.Errorf("no note %q in\n%s", want, strings.Join(notes, "\n"))
	}
}

// TestClassWeightsFileOfAResumedRun: other numbers in the file are another run, also after its end; without the file the
// run continues with those of the checkpoint.
func TestClassWeightsFileOfAResumedRun(t *testing.T) {
	c := small(t, unbalanced(t))
	c.ClassWeights, c.Epochs = costs(t, 3), 2
	stop := func() {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err := Fit(ctx, c, recorderFunc(func(e report.Event) error {
			if _, ok := e.(report.Step); ok {
				cancel()
			}
			return nil
		}))
		if !errors.Is(err, ErrInterrupted) {
			t.Fatal(err)
		}
	}
	want := outcome(t, fit(t, c))
	c.Out, c.Resume = filepath.Join(t.TempDir(), "run"), "auto"
	stop()
	other := c
	other.ClassWeights = costs(t, 4)
	refused := func() {
		t.Helper()
		if _, err := Fit(t.Context(), other, ignore); !errors.Is(err, ErrOtherRun) || !strings.Contains(err.Error(), `the class weight of "red" was 3 and is 4`) {
			t.Errorf("error %v", err)
		}
	}
	refused()
	none := c
	none.ClassWeights = "none"
	if _, err := Fit(t.Context(), none, ignore); !errors.Is(err, ErrOtherRun) || !strings.Contains(err.Error(), "--class-weights was") {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(c.ClassWeights); err != nil {
		t.Fatal(err)
	}
	checkOutcome(t, outcome(t, fit(t, c)), want)
	refused()
	c.Out = filepath.Join(t.TempDir(), "new")
	if _, err := Fit(t.Context(), c, ignore); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v of a new run without the file", err)
	}
	if _, err := os.Stat(c.Out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the run's folder exists: %v", err)
	}
}

// TestOwnLossReplacesTheConfiguredOne: settings that would have no effect are an error.
func TestOwnLossReplacesTheConfiguredOne(t *testing.T) {
	own := Trainer{Loss: Loss{Name: "own", Compute: func(s *autograd.Scope, logits *autograd.Tensor, t autograd.Targets) *autograd.Tensor {
		return autograd.CrossEntropy{}.Loss(s, logits, autograd.FromSlice(s, t.Labels, int64(len(t.Labels))))
	}}}
	for _, change := range []func(*config.Config){
		func(c *config.Config) { c.Loss = "focal" },
		func(c *config.Config) { c.ClassWeights = "balanced" },
	} {
		c := small(t, unbalanced(t))
		change(&c)
		if _, err := own.Fit(t.Context(), c, ignore); err == nil || !strings.Contains(err.Error(), `the trainer's loss "own" replaces the configured one`) {
			t.Errorf("error %v", err)
		}
	}
}

// TestMixedTargets: with class weights, a batch of one image of a run that mixes images is averaged as the other batches.
func TestMixedTargets(t *testing.T) {
	plain := autograd.Targets{Labels: []int64{2}, Lambda: 1}
	mixed := autograd.Targets{Labels: []int64{2}, MixedLabels: []int64{1}, Lambda: 0.3}
	for _, c := range []struct {
		name    string
		weights []float64
		mixup   float64
		given   autograd.Targets
		want    int // mixed labels
	}{
		{"no weights", nil, 0.2, plain, 0},
		{"no mixing", []float64{1, 2, 3}, 0, plain, 0},
		{"one image", []float64{1, 2, 3}, 0.2, plain, 1},
		{"mixed", []float64{1, 2, 3}, 0.2, mixed, 1},
	} {
		r := &run{classWeights: c.weights, config: config.Config{MixUp: c.mixup}}
		if got := r.mixedTargets(c.given); len(got.MixedLabels) != c.want || got.Lambda != c.given.Lambda {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// TestDescribeSampler: classes of the same size need no sampler, which the note says.
func TestDescribeSampler(t *testing.T) {
	for _, c := range []struct {
		name   string
		counts []int
		want   string
	}{
		{"different sizes", []int{2, 8}, "sampler balanced: an epoch draws 10 images, one of the smallest class on average 2.5 times (a, 2 images), one of the largest 0.625 times (b, 8 images)"},
		{"the same size", []int{30, 30}, "sampler balanced: each class has 30 images, so it makes no difference"},
	} {
		if got := describeSampler("balanced", []string{"a", "b"}, c.counts); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// TestSamplerOfARun: a note says how often images are drawn, and an unreadable image that is drawn several times counts
// once towards the limit.
func TestSamplerOfARun(t *testing.T) {
	c := small(t, unbalanced(t))
	c.Sampler, c.Epochs = "balanced", 1
	_, events := fitBy(t, Trainer{}, c)
	wantNote(t, events, "sampler balanced: an epoch draws 20 images, one of the smallest class on average 3.33 times (red, 2 images), one of the largest 0.556 times (blue, 12 images)")

	a, b := data.Problem{Path: "a", Reason: "damaged"}, data.Problem{Path: "b", Reason: "damaged"}
	r := &run{config: c, unread: []data.Problem{a}}
	if got := r.firstOf([]data.Problem{a, b, b}); !slices.Equal(got, []data.Problem{b}) {
		t.Errorf("counted %v", got)
	}
	r.config.Sampler = "uniform"
	if got := r.firstOf([]data.Problem{a, b}); len(got) != 2 {
		t.Errorf("counted %v", got)
	}
}
