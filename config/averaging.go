package config

import (
	"cmp"
	"math"

	"depthwise.dev/optim"
)

// Values of EMAWarmup.
const (
	WarmupNone        = "none"
	WarmupTimm        = "timm"
	WarmupTorchvision = "torchvision"
)

// EMAWarmups are the values of EMAWarmup.
var EMAWarmups = []string{WarmupNone, WarmupTimm, WarmupTorchvision}

func (v *collector) averaging(c Config) {
	v.OneOf("ema_warmup", c.EMAWarmup, EMAWarmups)
	v.Check(c.EMASteps >= 0 && c.EMASteps <= MaxCount, "ema_steps", c.EMASteps, "must be at least 1, or 0 for 1 (32 with ema_warmup torchvision)")
	v.Check(c.EMADecay == 0 || c.EMAWarmup != WarmupTorchvision || c.Epochs > 0, "ema_warmup", c.EMAWarmup, "depends on the number of epochs: set epochs too, or use timm")
	v.Check(c.SWAEpochs >= 0 && c.SWAEpochs <= MaxCount, "swa_epochs", c.SWAEpochs, "must be at least 1, or 0 for no averaging")
	v.Check(c.SWAEpochs <= max(c.Epochs, 0) || c.Time > 0, "swa_epochs", c.SWAEpochs, "must be at most epochs")
	v.Check(c.SWAEpochs == 0 || c.Time == 0, "swa_epochs", c.SWAEpochs, "needs a run whose number of epochs is known: use epochs in place of time")
	v.Check(c.SWAEpochs == 0 || c.Patience == 0, "swa_epochs", c.SWAEpochs, "averages the last epochs, before which patience may end the run: leave one of them out")
	v.Within("swa_lr", c.SWALR, 0, math.MaxFloat64, "must be above 0, or 0 for half of lr")
}

// AverageEvery is the number of steps between updates of the weight average.
func (c Config) AverageEvery() int {
	if c.EMAWarmup == WarmupTorchvision {
		return cmp.Or(c.EMASteps, optim.TorchvisionEvery)
	}
	return max(c.EMASteps, 1)
}

// AverageDecay returns the final decay of the weight average and its warm-up.
func (c Config) AverageDecay() (float64, optim.AverageWarmup) {
	switch c.EMAWarmup {
	case WarmupTimm:
		return c.EMADecay, optim.TimmWarmup
	case WarmupTorchvision:
		return optim.TorchvisionDecay(c.EMADecay, c.GlobalBatch()*c.Accumulate, c.AverageEvery(), c.Epochs), optim.AverageWarmup{}
	}
	return c.EMADecay, optim.AverageWarmup{}
}

// SWARate is the learning rate of the epochs that are averaged.
func (c Config) SWARate() float64 { return cmp.Or(c.SWALR, c.LR/2) }
