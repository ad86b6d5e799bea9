package train

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/classify"
	"depthwise.dev/config"
	"depthwise.dev/formats"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// averagedRun trains with a weight average, keeps every checkpoint, and returns the epochs that it
// recorded.
func averagedRun(t *testing.T, kernels string, change func(*config.Config)) (config.Config, []report.Epoch) {
	t.Helper()
	c := small(t, testset.Images(t, 14, 6))
	c.EMADecay, c.EMAWarmup, c.Keep, c.Backend = 0.75, config.WarmupNone, 99, kernels
	if change != nil {
		change(&c)
	}
	var epochs []report.Epoch
	_, err := Fit(context.Background(), c, recorderFunc(func(e report.Event) error {
		if e, ok := e.(report.Epoch); ok {
			epochs = append(epochs, e)
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return c, epochs
}

// hostArrays32 are a file's arrays by name.
func hostArrays32(t *testing.T, arrays []checkpoints.Array) map[string][]float32 {
	t.Helper()
	values := map[string][]float32{}
	for _, a := range arrays {
		v, err := checkpoints.Values[float32](a)
		if err != nil {
			t.Fatal(err)
		}
		values[a.Name] = v
	}
	return values
}

func readOrFail(t *testing.T, path string) weights.Weights {
	t.Helper()
	w, err := formats.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWeightAverage computes the average in float64 from the weights of each step's checkpoint,
// parameters and running statistics alike.
func TestWeightAverage(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*config.Config)
		decay  func(step int64) float64 // of the average, from step 1; 1: no update
	}{
		{"no warm-up", nil, func(step int64) float64 { return 0.75 * min(float64(step-1), 1) }},
		{"every third step", func(c *config.Config) { c.EMASteps = 3 }, func(step int64) float64 {
			switch {
			case (step-1)%3 != 0:
				return 1
			case step == 1:
				return 0
			}
			return 0.75
		}},
		{"timm", func(c *config.Config) { c.EMAWarmup = config.WarmupTimm }, func(step int64) float64 { return min(1-math.Pow(float64(step), -2./3), 0.75) }},
		{"torchvision", func(c *config.Config) {
			c.EMAWarmup, c.EMADecay, c.EMASteps, c.WarmupEpochs = config.WarmupTorchvision, 0.95, 2, 1
		}, func(step int64) float64 { // 6 steps an epoch; the first epoch and the first update after it copy
			switch {
			case (step-1)%2 != 0:
				return 1
			case step <= 7:
				return 0
			}
			return 1 - 0.05*8*2/3
		}},
	} {
		for _, kernels := range []string{"fused", "torch"} {
			t.Run(tc.name+", "+kernels, func(t *testing.T) {
				c, epochs := averagedRun(t, kernels, tc.change)
				checkAverages(t, c, epochs[len(epochs)-1].Step, tc.decay)
			})
		}
	}
}

func checkAverages(t *testing.T, c config.Config, steps int64, decayOf func(int64) float64) {
	t.Helper()
	store := checkpoints.Store{Dir: filepath.Join(c.Out, weights.CheckpointFolder)}
	want := map[string][]float64{}
	for step := int64(1); step <= steps; step++ {
		w := readOrFail(t, store.Path(step))
		got := hostArrays32(t, w.Arrays)
		for name, values := range hostArrays32(t, w.Plain().Arrays) {
			if step == 1 {
				want[name] = make([]float64, len(values))
			}
			for i, v := range values {
				decay := decayOf(step)
				want[name][i] = decay*want[name][i] + (1-decay)*float64(v)
				if d := math.Abs(float64(got[name][i]) - want[name][i]); d > 1e-6*(1+math.Abs(want[name][i])) { // roundings of float32
					t.Fatalf("step %d: %s[%d] is %v, want %v", step, name, i, got[name][i], want[name][i])
				}
			}
		}
		if len(got) != len(want) {
			t.Fatalf("step %d: %d averages of %d arrays", step, len(got), len(want))
		}
	}
}

// TestWeightAverageIsUsed: the better of the weights and their average selects the best epoch. What
// reads a checkpoint gets the average, or the weights with Raw; best.safetensors has the better ones.
func TestWeightAverageIsUsed(t *testing.T) {
	c, epochs := averagedRun(t, "auto", nil)
	store := checkpoints.Store{Dir: filepath.Join(c.Out, weights.CheckpointFolder)}
	greatest, best := -1.0, 0
	for i, e := range epochs {
		if !e.Averaged || e.ValLoss == e.EMAValLoss {
			t.Errorf("epoch %d: %+v", i+1, e)
		}
		top1 := max(e.ValTop1, e.EMAValTop1)
		if e.Best != (top1 > greatest) {
			t.Errorf("epoch %d: best is %v at %v after %v", i+1, e.Best, top1, greatest)
		}
		if top1 > greatest {
			greatest, best = top1, i
		}
	}
	plain := epochs[best].ValTop1 > epochs[best].EMAValTop1
	for _, of := range []struct {
		path  string
		epoch report.Epoch
		plain bool
	}{{store.Path(epochs[0].Step), epochs[0], false}, {filepath.Join(c.Out, weights.BestFile), epochs[best], plain}, {c.Out, epochs[best], plain}} {
		for _, raw := range []bool{false, true} {
			want := of.epoch.EMAValLoss
			if raw || of.plain {
				want = of.epoch.ValLoss
			}
			got, err := classify.Evaluate(context.Background(), classify.EvalConfig{Weights: of.path, Raw: raw, Data: c.Data, BatchSize: c.BatchSize,
				Options: backend.Options{Precision: c.Precision, Device: c.Device, Backend: c.Backend, Threads: 1}})
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(got.Loss-want) > 1e-12*math.Abs(want) { // the same arithmetic
				t.Errorf("%s, raw %v: loss %v, validation had %v", of.path, raw, got.Loss, want)
			}
		}
	}
}

// TestWeightAverageIsExported: an export holds one set of weights, the average or the last ones.
func TestWeightAverageIsExported(t *testing.T) {
	c, epochs := averagedRun(t, "auto", nil)
	checkpoint := checkpoints.Store{Dir: filepath.Join(c.Out, weights.CheckpointFolder)}.Path(epochs[0].Step)
	w := readOrFail(t, checkpoint)
	if w.Raw == nil {
		t.Fatal("the checkpoint lacks the weights or their average")
	}
	for _, raw := range []bool{false, true} {
		want := hostArrays32(t, w.Arrays)
		if raw {
			want = hostArrays32(t, w.Raw)
		}
		path := filepath.Join(t.TempDir(), "export.safetensors")
		if err := formats.Export(formats.ExportOptions{Weights: checkpoint, Raw: raw, Format: "safetensors", Output: path}); err != nil {
			t.Fatal(err)
		}
		f, err := checkpoints.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		got := hostArrays32(t, f.Arrays)
		if len(got) != len(want) {
			t.Errorf("raw %v: %d arrays, want %d", raw, len(got), len(want))
		}
		for name, values := range want {
			for i, v := range values {
				if got[name][i] != v {
					t.Fatalf("raw %v: %s[%d] is %v, want %v", raw, name, i, got[name][i], v)
				}
			}
		}
	}
}
