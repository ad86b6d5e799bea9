package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/tune"
)

// findLR makes a range test, which must succeed.
func findLR(t *testing.T, c config.Config, o tune.Range) LRTest {
	t.Helper()
	test, err := FindLR(t.Context(), c, o, ignore)
	if err != nil {
		t.Fatal(err)
	}
	return test
}

// TestFindLR: with every kind of run the rates rise as asked, over more epochs than one, and the same test has the same bits.
func TestFindLR(t *testing.T) {
	dir := testset.Images(t, 6, 2) // 18 images: 3 batches of 8, 8, 2
	start := small(t, dir)
	start.Epochs, start.BatchSize, start.LR, start.Model.BNMomentum = 1, 18, 1e-3, 1 // running statistics that fit the weights
	weights := fit(t, start).Dir
	for _, v := range []struct {
		name   string
		change func(c *config.Config)
	}{
		{"sgd", func(*config.Config) {}},
		{"rmsprop", func(c *config.Config) { c.Optimizer = "rmsprop" }},
		{"rmsprop_tf", func(c *config.Config) { c.Optimizer = "rmsprop_tf" }},
		{"adamw", func(c *config.Config) { c.Optimizer = "adamw" }},
		{"torch backend", func(c *config.Config) { c.Backend = "torch" }},
		{"accumulate", func(c *config.Config) { c.Accumulate = 2 }},
		{"init", func(c *config.Config) { c.Init = weights }},
		{"frozen backbone", func(c *config.Config) { c.Init, c.Freeze, c.UnfreezeAfter = weights, "backbone", 1 }},
		{"frozen backbone without augmentation", func(c *config.Config) { c.Freeze, c.Augment, c.Flip = "backbone", "none", 0 }},
		{"averages and schedules", func(c *config.Config) { c.EMADecay, c.SWAEpochs, c.Schedule = 0.9, 1, config.Plateau }},
		{"class weights", func(c *config.Config) { c.ClassWeights = "balanced" }},
		{"larger batch than images", func(c *config.Config) { c.BatchSize = 64 }},
		{"time limit", func(c *config.Config) { c.Time, c.Epochs = 1e9, 0 }},
	} {
		t.Run(v.name, func(t *testing.T) {
			c := small(t, dir)
			v.change(&c)
			o := tune.Range{From: 1e-5, To: 1e-3, Steps: 20} // no seed diverges there
			a, b := findLR(t, c, o), findLR(t, c, o)
			if a.Pretrained != (c.Init != "") {
				t.Errorf("pretrained %v with --init %q", a.Pretrained, c.Init)
			}
			if len(a.Points) != o.Steps || a.Diverged || math.Abs(a.Points[19].LR-o.To) > 1e-12 {
				t.Fatalf("%d points, diverged %v: %+v", len(a.Points), a.Diverged, a.Points)
			}
			if !reflect.DeepEqual(a.Points, b.Points) {
				t.Error("two tests differ")
			}
			if _, err := os.Stat(c.Out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the test left a folder: %v", err)
			}
		})
	}
}

// TestFindLRIsTraining: with a constant rate the losses are those of a run from pretrained weights, and from initial weights the
// means of those of three runs with successive seeds.
func TestFindLRIsTraining(t *testing.T) {
	dir := testset.Images(t, 6, 2)
	start := small(t, dir)
	start.Epochs = 1
	weights := fit(t, start).Dir
	for _, init := range []string{"", weights} {
		c := small(t, dir)
		c.Init, c.Schedule, c.WarmupEpochs, c.Epochs = init, "constant", 0, 7 // 21 steps
		test := findLR(t, c, tune.Range{From: c.LR, To: c.LR * (1 + 1e-15), Steps: 20})
		runs := tune.Tests(init != "")
		sums := make([]float64, len(test.Points))
		for range runs {
			c.Out = filepath.Join(t.TempDir(), "run")
			for i, loss := range stepLosses(t, c)[:len(sums)] {
				sums[i] += loss
			}
			c.Seed++
		}
		for i, p := range test.Points {
			if p.Loss != sums[i]/float64(runs) {
				t.Fatalf("init %q, step %d: loss %v, of %d runs %v", init, i+1, p.Loss, runs, sums[i]/float64(runs))
			}
		}
	}
}

// stepLosses trains and returns the loss of each step.
func stepLosses(t *testing.T, c config.Config) []float64 {
	t.Helper()
	var losses []float64
	_, err := Fit(t.Context(), c, recorderFunc(func(e report.Event) error {
		if step, ok := e.(report.Step); ok {
			losses = append(losses, step.Loss)
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return losses
}

// TestFindLRRecords: the steps of all tests are numbered in succession, and notes come once.
func TestFindLRRecords(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	var steps []int64
	notes := map[string]int{}
	_, err := FindLR(t.Context(), c, tune.Range{From: 1e-4, To: 1e-2, Steps: 20}, recorderFunc(func(e report.Event) error {
		switch e := e.(type) {
		case report.Step:
			steps = append(steps, e.Step)
		case report.Note:
			notes[e.Text]++
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(steps); n != 60 || steps[0] != 1 || steps[20] != 21 || steps[59] != 60 {
		t.Errorf("steps %v", steps)
	}
	for text, n := range notes {
		if n != 1 {
			t.Errorf("%d times: %s", n, text)
		}
	}
}

// TestFindLRRestores: a run after a test in the same process has the same bits as one without it.
func TestFindLRRestores(t *testing.T) {
	dir := testset.Images(t, 6, 2)
	before, after := small(t, dir), small(t, dir)
	fit(t, before)
	findLR(t, after, tune.Range{From: 1e-4, To: 10, Steps: 20})
	fit(t, after)
	if a, b := testset.Contents(t, before.Out+"/best.safetensors"), testset.Contents(t, after.Out+"/best.safetensors"); !bytes.Equal(a, b) {
		t.Error("the weights differ")
	}
}

// TestFindLRDiverges: the test ends where the loss diverges, also with accumulated batches.
func TestFindLRDiverges(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	for _, accumulate := range []int{1, 2} {
		c.Accumulate = accumulate
		test := findLR(t, c, tune.Range{From: 1, To: 1e30, Steps: 60})
		if n := len(test.Points); !test.Diverged || n >= 60 || slices.ContainsFunc(test.Points, func(p tune.Point) bool { return math.IsNaN(p.Loss) || math.IsInf(p.Loss, 0) }) {
			t.Errorf("accumulate %d: diverged %v after %d steps", accumulate, test.Diverged, n)
		}
	}
}

// TestFindLRErrors: wrong settings and an interrupt end the test.
func TestFindLRErrors(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	if _, err := FindLR(t.Context(), c, tune.Range{From: 100}, ignore); err == nil || !strings.Contains(err.Error(), "--from") {
		t.Errorf("a range from 100 to 2: error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop := recorderFunc(func(e report.Event) error {
		if _, ok := e.(report.Step); ok {
			cancel()
		}
		return nil
	})
	if test, err := FindLR(ctx, c, tune.Range{}, stop); !errors.Is(err, context.Canceled) || len(test.Points) != 1 {
		t.Errorf("interrupted: %d points, error %v", len(test.Points), err)
	}
}
