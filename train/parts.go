package train

import (
	"math"

	"depthwise.dev/data"
	"depthwise.dev/internal/host"
	"depthwise.dev/optim"
)

// normalization is mean and standard deviation of each color, of pixels from 0 to 1.
type normalization struct{ mean, std [3]float64 }

// normalizations gives each variant the input it was defined with.
var normalizations = map[string]normalization{
	"paper":   {[3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}}, // ImageNet's, as in torchvision
	"article": {[3]float64{0, 0, 0}, [3]float64{1, 1, 1}},                         // x/255
}

// resizeFor is the shorter side from which a center crop of the resolution is
// taken: 256 for 224, as the paper's evaluation and torchvision's.
func resizeFor(resolution int) int { return int(float64(resolution) / 0.875) }

// Preprocess is how images are brought to the network when it is evaluated.
func (c Config) Preprocess() data.Preprocess {
	n, ok := normalizations[c.Model.Variant]
	if !ok {
		n = normalizations["paper"]
	}
	p := data.Preprocess{Resolution: c.Model.Resolution, Fit: c.Fit, EXIF: c.EXIF, Mean: n.mean, Std: n.std}
	if c.Fit == "crop" {
		p.Resize = resizeFor(c.Model.Resolution)
	}
	return p
}

// LoaderOptions is how the loader makes batches for training or for evaluation.
func (c Config) LoaderOptions(train bool) data.LoaderOptions {
	o := data.LoaderOptions{
		BatchSize:  c.BatchSize,
		Workers:    c.Workers,
		Seed:       c.Seed,
		Train:      train,
		Preprocess: c.Preprocess(),

		ShuffleBuffer: c.ShuffleBuffer,
	}
	if o.Workers < 0 {
		o.Workers = host.PhysicalCores()
	}
	if train {
		o.Augment = c.augment()
		o.Decode = c.Decode
	}
	return o
}

// augment is how training images vary.
func (c Config) augment() data.Augment {
	j := c.ColorJitter
	a := data.Augment{Erase: c.RandomErase, MixUp: c.MixUp, CutMix: c.CutMix,
		Jitter: data.Jitter{Brightness: j[0], Contrast: j[1], Saturation: j[2], Hue: j[3]}}
	if c.Augment == "none" {
		return a
	}
	a.Crop, a.CropScale, a.CropRatio, a.Flip = true, c.CropScale, c.CropRatio, c.Flip
	if c.Augment != "basic" {
		a.Policy = data.Policy(c.Augment)
	}
	return a
}

// autoWarmup is the share of a cosine run that warms up when nobody said how long.
const autoWarmup = 0.05

// NewSchedule is the learning rate of each step of a run of totalSteps, of
// which an epoch takes stepsPerEpoch.
func (c Config) NewSchedule(stepsPerEpoch, totalSteps int64) optim.Schedule {
	steps := func(epochs float64) int64 { return int64(math.Round(epochs * float64(stepsPerEpoch))) }
	warmup := steps(c.WarmupEpochs)
	if c.WarmupEpochs < 0 {
		warmup = 0
		if c.Schedule == "cosine" {
			warmup = int64(math.Round(autoWarmup * float64(totalSteps)))
		}
	}
	warmup = max(0, min(warmup, totalSteps-1)) // max_steps may end the run before its warm-up

	switch c.Schedule {
	case "step":
		every, factor := orElse(c.StepEpochs, 30), orElse(c.Gamma, 0.1) // He et al. 2016, torchvision
		return optim.Step{Base: c.LR, Factor: factor, Milestones: multiples(every*float64(stepsPerEpoch), totalSteps), Warmup: warmup}
	case "exp":
		every, factor := orElse(c.StepEpochs, 2.5), orElse(c.Gamma, 0.94) // the paper's
		return optim.Exponential{Base: c.LR, Factor: factor, Every: max(1, steps(every)), Warmup: warmup}
	case "cosine":
		return optim.Cosine{Base: c.LR, Total: totalSteps, Warmup: warmup}
	case "onecycle":
		return optim.OneCycle{Max: c.LR, Total: totalSteps, Warmup: warmup}
	}
	return optim.Constant{Base: c.LR, Warmup: warmup}
}

func orElse(value, otherwise float64) float64 {
	if value == 0 {
		return otherwise
	}
	return value
}

// multiples lists every, 2*every, ... below end, rounded.
func multiples(every float64, end int64) []int64 {
	var list []int64
	for i := 1; ; i++ {
		m := max(1, int64(math.Round(float64(i)*every)))
		if m >= end {
			return list
		}
		list = append(list, m)
	}
}
