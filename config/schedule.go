package config

import (
	"math"

	"depthwise.dev/optim"
)

// autoWarmup is the default length of the warmup of a cosine run, as a fraction of the run.
const autoWarmup = 0.05

// NewSchedule returns the learning-rate schedule of a run of totalSteps, of which an epoch takes
// stepsPerEpoch.
func (c Config) NewSchedule(stepsPerEpoch, totalSteps int64) optim.Schedule {
	steps := func(epochs float64) int64 { return int64(math.Round(epochs * float64(stepsPerEpoch))) }
	warmup := steps(c.WarmupEpochs)
	if c.WarmupEpochs < 0 {
		warmup = 0
		if c.Schedule == "cosine" {
			warmup = int64(math.Round(autoWarmup * float64(totalSteps)))
		}
	}
	warmup = max(0, min(warmup, totalSteps-1)) // max_steps may end the run before its warmup

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
