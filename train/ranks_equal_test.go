package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/models"
	"depthwise.dev/report"
)

// stateOf returns the arrays of a run's last checkpoint.
func stateOf(t *testing.T, r Result) map[string][]float32 {
	t.Helper()
	f, err := checkpoints.Read(checkpoints.Store{Dir: filepath.Join(r.Dir, "checkpoints")}.Path(r.Step))
	if err != nil {
		t.Fatal(err)
	}
	arrays := map[string][]float32{}
	for _, a := range f.Arrays {
		if !strings.HasPrefix(a.Name, "generator/") {
			if arrays[a.Name], err = checkpoints.Values[float32](a); err != nil {
				t.Fatal(err)
			}
		}
	}
	return arrays
}

// difference is the largest difference of an array's values, relative to its largest value.
func difference[T float32 | float64](a, b []T) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	largest, norm := 0., 0.
	for i := range b {
		largest, norm = max(largest, math.Abs(float64(a[i])-float64(b[i]))), max(norm, math.Abs(float64(b[i])))
	}
	return largest / max(norm, 1e-12)
}

// plainGraph is a small network without dropout, whose ranks in one process would share a generator.
func plainGraph(t *testing.T) *models.Graph {
	t.Helper()
	x := models.Input(models.Shape{Channels: 3, Height: 40, Width: 40})
	x = x.Conv(models.Conv{Out: 8, Kernel: 3, Stride: 2}).BatchNorm(models.BatchNorm{}).ReLU()
	x = x.Conv(models.Conv{Out: 16, Kernel: 3, Stride: 2}).BatchNorm(models.BatchNorm{}).ReLU6()
	g, err := models.Build("plain CNN", x.GlobalAvgPool().Linear(models.Linear{Out: 3}))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestRanksEqualOneProcess: ranks train as one process with the whole batch. Training with batch statistics is chaotic: one process with
// two threads differs from one with one thread by 4 % in some arrays of a MobileNet after one step, so that single steps are those
// of few layers. Frozen batch norms are compared after 50 steps.
func TestRanksEqualOneProcess(t *testing.T) {
	data := testset.Images(t, 15, 3) // 45 images
	weights := filepath.Join(t.TempDir(), "weights.yaml")
	if err := os.WriteFile(weights, []byte("blue: 2\ngreen: 1\nred: 0.5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		ranks  []int
		change func(*config.Config)
		tol    float64 // relative to the largest value of an array
	}{
		{"one step, synchronized batch norm", []int{2, 4}, func(c *config.Config) { c.SyncBN, c.MaxSteps = true, 1 }, 1e-4},
		{"one step of two blocks", []int{2, 3}, func(c *config.Config) { c.SyncBN, c.MaxSteps, c.Freeze = true, 1, "blocks:11" }, 1e-4},
		{"a step of accumulated batches", []int{2}, func(c *config.Config) { c.SyncBN, c.MaxSteps, c.Accumulate, c.BatchSize = true, 1, 2, 12 }, 1e-4},
		{"five steps, class weights", []int{2}, func(c *config.Config) { c.SyncBN, c.MaxSteps, c.ClassWeights = true, 5, weights }, 1e-4},
		{"steps of one image, which three ranks do not have", []int{4}, func(c *config.Config) { c.SyncBN, c.MaxSteps, c.BatchSize = true, 4, 44 }, 1e-4},
		{"multi-label, a weight average and clipping", []int{2}, func(c *config.Config) {
			c.SyncBN, c.MaxSteps, c.MultiLabel, c.EMADecay, c.ClipGradNorm = true, 5, true, 0.8, 0.5
		}, 1e-4},
		{"an average of the last epochs", []int{2}, func(c *config.Config) { c.SyncBN, c.Epochs, c.SWAEpochs = true, 2, 2 }, 1e-4},
		{"accumulated batches, the last one of a single image", []int{4}, func(c *config.Config) {
			c.Freeze, c.LR, c.MaxSteps, c.BatchSize, c.Accumulate = "bn", 0.01, 10, 44, 2
			c.ClassWeights = weights // with as many images of each class and equal weights, the gradients of biases are 0
		}, 1e-5},
		{"accumulated batches with class weights", []int{3}, func(c *config.Config) {
			c.Freeze, c.LR, c.MaxSteps, c.BatchSize, c.Accumulate, c.ClassWeights = "bn", 0.01, 10, 12, 2, weights
		}, 1e-5},
		{"cached features", []int{2, 3}, func(c *config.Config) { c.Freeze, c.Augment, c.Epochs, c.BatchSize = "backbone", "none", 4, 12 }, 1e-5},
		{"50 steps, frozen batch norms", []int{2, 3}, func(c *config.Config) { c.Freeze, c.LR, c.MaxSteps, c.BatchSize = "bn", 0.01, 50, 12 }, 1e-5},
		{"50 steps of a last batch that is uneven", []int{2}, func(c *config.Config) { c.Freeze, c.LR, c.MaxSteps, c.BatchSize = "bn", 0.01, 50, 18 }, 1e-5},
	} {
		for _, ranks := range c.ranks {
			t.Run(fmt.Sprintf("%s, %d ranks", c.name, ranks), func(t *testing.T) {
				config := small(t, data)
				config.Model.Resolution, config.BatchSize, config.Epochs, config.Schedule, config.WarmupEpochs = 40, 24, 30, "constant", 0
				c.change(&config)
				var one Trainer
				if config.SyncBN && config.Freeze == "none" {
					one.Graph = plainGraph(t)
				}
				single, err := one.Fit(t.Context(), config, ignore)
				if err != nil {
					t.Fatal(err)
				}
				want := stateOf(t, single)
				config.Out, config.BatchSize = filepath.Join(t.TempDir(), "ranks"), (config.BatchSize+ranks-1)/ranks
				got, largest := stateOf(t, trainedAs(t, one, ranks, config).result), 0.
				if len(got) != len(want) {
					t.Errorf("%d arrays, want %d", len(got), len(want))
				}
				for name, values := range want {
					d := difference(got[name], values)
					if largest = max(largest, d); !(d <= c.tol) {
						t.Errorf("%s differs by %.2g", name, d)
					}
				}
				t.Logf("largest difference %.2g", largest)
			})
		}
	}
}

// TestRanksOfAnotherNumber: a run that is continued by another number of ranks has the same steps on the same images.
func TestRanksOfAnotherNumber(t *testing.T) {
	c := small(t, testset.Images(t, 16, 3))
	c.Model.Resolution, c.BatchSize, c.Freeze, c.LR, c.Epochs = 40, 8, "bn", 0.01, 3 // 6 steps an epoch
	want := stateOf(t, fit(t, c))
	c.Out, c.Resume, c.BatchSize, c.Epochs = filepath.Join(t.TempDir(), "run"), "auto", 4, 3
	for i, ranks := range []int{2, 1, 4} {
		list := fitRanks(t, ranks, c, func(rank int, m *member) {
			if rank > 0 || i == 2 {
				return
			}
			var cancel context.CancelFunc
			m.ctx, cancel = context.WithCancel(t.Context())
			m.record = func(e report.Event) error {
				if step, ok := e.(report.Step); ok && step.Step == int64(4+5*i) {
					cancel()
				}
				return nil
			}
		})
		for rank, m := range list {
			if m.err != nil && (i == 2 || !errors.Is(m.err, ErrInterrupted)) {
				t.Fatalf("rank %d of %d: %v", rank, ranks, m.err)
			}
			if i < 2 && m.err == nil {
				t.Fatalf("rank %d of %d was not interrupted", rank, ranks)
			}
			if i == 2 && rank == 0 {
				for name, values := range want {
					if d := difference(stateOf(t, m.result)[name], values); !(d <= 1e-5) {
						t.Errorf("%s differs by %.2g from one process", name, d)
					}
				}
			}
		}
	}
}
