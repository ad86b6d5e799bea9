package train

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// averagedAtEnd trains with weight averaging of the last two of four epochs, and keeps every checkpoint: 6 steps an epoch.
func averagedAtEnd(t *testing.T, kernels string, change func(*config.Config)) (config.Config, Result, []report.Event) {
	t.Helper()
	c := small(t, testset.Images(t, 14, 6))
	c.Epochs, c.SWAEpochs, c.SWALR, c.Keep, c.Backend = 4, 2, 0.005, 99, kernels
	c.Model.BNMomentum, c.Augment, c.LabelSmoothing = 0.5, "none", 0
	if change != nil {
		change(&c)
	}
	result, events := fitBy(t, Trainer{}, c)
	return c, result, events
}

// swaArrays are the arrays of the average in a checkpoint, by name.
func swaArrays(t *testing.T, c config.Config, step int64) map[string][]float32 {
	t.Helper()
	path := checkpoints.Store{Dir: filepath.Join(c.Out, weights.CheckpointFolder)}.Path(step)
	w, err := swaWeights(readOrFail(t, path), path)
	if err != nil {
		t.Fatal(err)
	}
	return hostArrays32(t, w.Arrays)
}

// TestWeightAveraging: the parameters of the average are the mean of those at the ends of the last epochs, in float64, which
// train with the constant learning rate; the statistics of batch norm are others; and the last epoch's event has its validation.
func TestWeightAveraging(t *testing.T) {
	for _, kernels := range []string{"fused", "torch"} {
		t.Run(kernels, func(t *testing.T) {
			c, _, events := averagedAtEnd(t, kernels, nil)
			store := checkpoints.Store{Dir: filepath.Join(c.Out, weights.CheckpointFolder)}
			got := swaArrays(t, c, 24)
			a, b := hostArrays32(t, readOrFail(t, store.Path(18)).Arrays), hostArrays32(t, readOrFail(t, store.Path(24)).Arrays)
			if len(got) != len(a) {
				t.Fatalf("%d arrays, want %d", len(got), len(a))
			}
			for name, values := range got {
				differs := false
				for i, v := range values {
					want := (float64(a[name][i]) + float64(b[name][i])) / 2
					differs = differs || math.Abs(float64(v)-want) > 1e-6*(1+math.Abs(want)) // roundings of float32
				}
				if statistic := strings.Contains(name, "running_"); differs != statistic {
					t.Errorf("%s differs from the mean of two epochs: %v", name, differs)
				}
			}
			checkWeightAveragingEvents(t, events)
		})
	}
}

func checkWeightAveragingEvents(t *testing.T, events []report.Event) {
	t.Helper()
	for _, e := range events {
		switch e := e.(type) {
		case report.Step:
			if (e.LR == 0.005) != (e.Step > 12) {
				t.Errorf("step %d: learning rate %v", e.Step, e.LR)
			}
		case report.Epoch:
			if last := e.Epoch == 4; (e.SWAEpochs == 2) != last || (e.SWAValLoss > 0) != last {
				t.Errorf("%+v", e)
			}
		}
	}
}

// TestAverageStatistics: with one batch for all images, and weights that do not change in the last epochs, the statistics of
// the average are those of that batch, which a run with a momentum of 1 has in its network.
func TestAverageStatistics(t *testing.T) {
	c, result, _ := averagedAtEnd(t, "torch", func(c *config.Config) { c.BatchSize, c.SWALR = 42, 1e-30 })
	averaged := swaArrays(t, c, result.Step)
	other := c
	other.Out = filepath.Join(t.TempDir(), "run")
	other.Model.BNMomentum = 1
	weightsOf := hostArrays32(t, readOrFail(t, checkpoints.Store{Dir: filepath.Join(fit(t, other).Dir, weights.CheckpointFolder)}.Path(result.Step)).Arrays)
	for name, values := range averaged {
		for i, v := range values {
			if d := math.Abs(float64(v - weightsOf[name][i])); d > 1e-4*(1+math.Abs(float64(v))) { // sums in another order, through 27 layers; measured 1.6e-5
				t.Fatalf("%s[%d] is %v, want %v", name, i, v, weightsOf[name][i])
			}
		}
	}
}

// TestBestOfAveraging: best.safetensors holds the average when it validated best, and is written again from the checkpoint.
func TestBestOfAveraging(t *testing.T) {
	// Slow running statistics make the weights validate badly, and not the average, whose statistics are computed.
	c, result, events := averagedAtEnd(t, "auto", func(c *config.Config) { c.Model.BNMomentum, c.Model.Resolution, c.LR = 0.001, 64, 0.05 })
	greatest, averaged := 0.0, 0.0
	for _, e := range events {
		if e, ok := e.(report.Epoch); ok {
			greatest, averaged = max(greatest, e.ValTop1), max(averaged, e.SWAValTop1)
		}
	}
	if averaged <= greatest {
		t.Fatalf("the average reaches %v and the weights %v, so this tests nothing", averaged, greatest)
	}
	if result.BestTop1 != averaged {
		t.Errorf("best %v, the average has %v", result.BestTop1, averaged)
	}
	best := filepath.Join(c.Out, weights.BestFile)
	checkSWABest(t, c, best, averaged)
	want := hashOf(t, best)
	if err := os.Remove(best); err != nil {
		t.Fatal(err)
	}
	stop(t, resumed(t, c.Out, 1), func(e report.Event) bool { _, ok := e.(report.Checkpoint); return ok })
	if got := hashOf(t, best); got != want {
		t.Errorf("written again: %s, want %s", got, want)
	}
}

func checkSWABest(t *testing.T, c config.Config, best string, top1 float64) {
	t.Helper()
	w := readOrFail(t, best)
	if w.Raw != nil || !strings.Contains(w.Meta[weights.MetaBest], `"swa":true`) {
		t.Errorf("metadata %s", w.Meta[weights.MetaBest])
	}
	arrays, want := hostArrays32(t, w.Arrays), swaArrays(t, c, 24)
	for name, values := range want {
		for i, v := range values {
			if arrays[name][i] != v {
				t.Fatalf("%s[%d] is %v, want %v", name, i, arrays[name][i], v)
			}
		}
	}
	if got := evaluate(t, c.Out, c.Data); got.Top1 != top1 {
		t.Errorf("%s has top-1 %v, want %v", best, got.Top1, top1)
	}
}

// countdown is a context that ends after some calls of Err, once it is armed.
type countdown struct {
	context.Context
	armed bool
	left  int
}

func (c *countdown) Err() error {
	if c.armed {
		c.left--
	}
	if c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestStatisticsInterrupted: a run that is interrupted before or in the pass that computes the statistics of the average ends with the same bytes.
func TestStatisticsInterrupted(t *testing.T) {
	c := small(t, testset.Images(t, 14, 3)) // 6 steps an epoch
	c.Epochs, c.SWAEpochs, c.Model.Dropout = 2, 2, 0.2
	want := outcome(t, fit(t, c))
	for _, after := range []int{0, 1, 4} {
		c.Out, c.Resume = filepath.Join(t.TempDir(), "run"), "auto"
		ctx := &countdown{Context: t.Context(), left: after}
		_, err := Fit(ctx, c, recorderFunc(func(e report.Event) error {
			ctx.armed = ctx.armed || atStep(12)(e)
			if _, ended := e.(report.Validation); ended && ctx.armed {
				t.Error("the pass was not interrupted")
			}
			return nil
		}))
		if !errors.Is(err, ErrInterrupted) {
			t.Fatalf("after %d: error %v", after, err)
		}
		checkOutcome(t, outcome(t, fit(t, c)), want)
	}
}
