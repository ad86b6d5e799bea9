package optim

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"depthwise.dev/autograd"
)

// warmupCase is a case of testdata/warmup.json, which make_warmup.py writes.
type warmupCase struct {
	Name         string
	Warmup       string // timm, torchvision or equal
	Decay        float64
	Batch, Every int
	Epochs       int
	WarmupEpochs int `json:"warmup_epochs"`
	Steps        []struct{ Arrays, Averages map[string][]float32 }
}

// TestAverageWarmupLikePeers: the averages after each step are those of timm's ModelEmaV3 with its warm-up, of
// torchvision's ExponentialMovingAverage and of torch's AveragedModel.
func TestAverageWarmupLikePeers(t *testing.T) {
	blob, err := os.ReadFile("testdata/warmup.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		StepsPerEpoch int `json:"steps_per_epoch"`
		Cases         []warmupCase
	}
	if err := json.Unmarshal(blob, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) != 6 {
		t.Fatalf("%d cases, want 6", len(golden.Cases))
	}
	for _, c := range golden.Cases {
		t.Run(c.Name, func(t *testing.T) {
			forEachWay(t, func(t *testing.T, s *autograd.Scope, apply func(*autograd.Scope, Update) float64) {
				c.follow(t, s, golden.StepsPerEpoch, apply)
			})
		})
	}
}

// follow averages the arrays of each step as a training loop does. The optimizer has zero gradients.
func (c warmupCase) follow(t *testing.T, s *autograd.Scope, perEpoch int, apply func(*autograd.Scope, Update) float64) {
	names := slices.Sorted(maps.Keys(c.Steps[0].Arrays))
	var arrays, averages []autograd.Named
	for _, name := range names {
		n := int64(len(c.Steps[0].Arrays[name]))
		arrays = append(arrays, autograd.Named{Name: name, Tensor: s.Zeros(autograd.Float32, autograd.CPU, n)})
		averages = append(averages, autograd.Named{Name: name, Tensor: s.Zeros(autograd.Float32, autograd.CPU, n)})
	}
	p := Parameter{Name: names[0], Tensor: s.RequireGrad(arrays[0].Tensor)}
	arrays[0].Tensor = p.Tensor
	o, average := NewSGD(s, []Parameter{p}, SGD{}), c.average(s, arrays, averages)
	for i, step := range c.Steps {
		for _, a := range arrays {
			autograd.CopyFromSlice(s, a.Tensor, step.Arrays[a.Name])
		}
		giveGradient(s, p.Tensor, make([]float32, len(step.Arrays[p.Name])))
		options, due := StepOptions{LR: 1}, i%perEpoch%c.Every == 0
		if due && c.Warmup != "equal" {
			options.Average = average
		}
		apply(s, o.Prepare(options))
		if c.Warmup == "equal" {
			average.Update(s)
		}
		if due && c.Warmup == "torchvision" && i/perEpoch < c.WarmupEpochs {
			average.Restart()
		}
		for _, a := range average.State().Tensors {
			what := fmt.Sprintf("step %d, %s", i+1, a.Name)
			compare32(t, what, autograd.ToSlice[float32](s, a.Tensor), step.Averages[a.Name], 1e-6) // a rounding of 6e-8 in each of 14 updates
		}
	}
}

func (c warmupCase) average(s *autograd.Scope, arrays, averages []autograd.Named) *Average {
	switch c.Warmup {
	case "equal":
		return NewEqualAverage(s, arrays, averages)
	case "torchvision":
		return NewAverage(s, arrays, averages, TorchvisionDecay(c.Decay, c.Batch, c.Every, c.Epochs))
	}
	average := NewAverage(s, arrays, averages, c.Decay)
	average.Warmup = TimmWarmup
	return average
}

// TestAverageWarmupDecay: decays of update t by hand.
func TestAverageWarmupDecay(t *testing.T) {
	for _, c := range []struct {
		name   string
		warmup AverageWarmup
		t      int64
		final  float64
		want   float64
	}{
		{"none, first", AverageWarmup{}, 0, 0.9, 0},
		{"none", AverageWarmup{}, 1, 0.9, 0.9},
		{"timm, first", TimmWarmup, 0, 0.9999, 0},
		{"timm, 1-8^(-2/3)", TimmWarmup, 7, 0.9999, 0.75},
		{"timm, 1-1000^(-2/3)", TimmWarmup, 999, 0.9999, 0.99},
		{"timm, final", TimmWarmup, 999, 0.9, 0.9},
		{"at least Min", AverageWarmup{Gamma: 1, Power: 1, Min: 0.8}, 1, 0.99, 0.8},
		{"slower by Gamma", AverageWarmup{Gamma: 10, Power: 1}, 10, 0.99, 0.5},
	} {
		if got := c.warmup.decay(c.t, c.final); !near(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	// 512 images of 128 a step, every 32 steps, 600 epochs: torchvision's own recipe.
	if got := TorchvisionDecay(0.99998, 1024, 32, 600); !near(got, 1-2e-5*1024*32/600) {
		t.Errorf("torchvision: %v", got)
	}
	if got := TorchvisionDecay(0.9, 1024, 32, 1); got != 0 {
		t.Errorf("torchvision: %v, want 0", got)
	}
}
