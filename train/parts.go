package train

import (
	"depthwise.dev/data"
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
		o.Workers = PhysicalCores()
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

// NewSchedule is the learning-rate schedule of a run of totalSteps, of which an epoch takes stepsPerEpoch.
func (c Config) NewSchedule(stepsPerEpoch, totalSteps int64) (optim.Schedule, error) {
	spec, err := optim.FindSchedule(optim.Schedules, c.Schedule)
	if err != nil {
		return nil, wrong("schedule", c.Schedule, oneOf(c.Schedule, Schedules))
	}
	return spec.New(optim.ScheduleOptions{LR: c.LR, StepsPerEpoch: stepsPerEpoch, TotalSteps: totalSteps,
		WarmupEpochs: c.WarmupEpochs, DecayEpochs: c.StepEpochs, Factor: c.Gamma}), nil
}
