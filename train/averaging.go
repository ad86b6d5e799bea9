package train

import (
	"fmt"
	"math"
	"strconv"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/optim"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// newAverages makes the configured averages of the weights.
func (r *run) newAverages(s *autograd.Scope) error {
	c := r.config
	if c.EMADecay > 0 {
		decay, warmup := c.AverageDecay()
		r.averaged = r.New(s, r.net.graph, c.Seed)
		r.average = optim.NewAverage(s, r.network.State(), r.averaged.State(), decay)
		r.average.Warmup = warmup
	}
	if c.SWAEpochs > 0 {
		return r.newSWA(s)
	}
	return s.Err()
}

// averageDue returns the weight average if this step updates it, else nil. Steps are counted from the start of the epoch.
func (r *run) averageDue() *optim.Average {
	if r.average == nil || (r.Batch-1)/r.config.Accumulate%r.config.AverageEvery() != 0 {
		return nil
	}
	return r.average
}

// restartAverage makes the next update of the average copy the weights while torchvision's warm-up lasts: in the epochs
// that begin within the warmup of the learning rate.
func (r *run) restartAverage() {
	warming := int64(r.Epoch)*r.stepsPerEpoch < optim.WarmupSteps(r.schedule)
	if r.average != nil && r.config.EMAWarmup == config.WarmupTorchvision && warming {
		r.average.Restart()
	}
}

// averageHorizon returns a warning if the weight average cannot leave the initial weights behind
// within the run: after as many steps as its horizon, 1/(1-decay), they still have a weight of 1/e.
func (r *run) averageHorizon() string {
	every, steps := float64(r.config.AverageEvery()), float64(r.totalSteps)
	decay, warmup := r.config.AverageDecay()
	if r.config.EMADecay == 0 || warmup != (optim.AverageWarmup{}) || every/(1-decay) <= steps {
		return ""
	}
	text := fmt.Sprintf("--ema-decay %v averages over about %.0f steps, and the run has %.0f: the average will stay near the first weights", r.config.EMADecay, every/(1-decay), steps)
	if every > 1 {
		return text + "; --ema-warmup timm averages over fewer at first"
	}
	if shorter := decayFor(steps / 5); shorter > 0 { // the first weights end with a weight of exp(-5), below 1 %
		return text + fmt.Sprintf("; --ema-decay %s averages over a fifth of the run", strconv.FormatFloat(shorter, 'g', -1, 64))
	}
	return text + "; leave the flag out"
}

// decayFor returns the decay of a horizon with two significant digits of 1-decay, rounded to a shorter
// horizon; 0 if there is none.
func decayFor(horizon float64) float64 {
	if horizon <= 1 {
		return 0
	}
	rest := 1 / horizon
	digits := int(1 - math.Floor(math.Log10(rest)))
	scale := math.Pow(10, float64(digits))
	return math.Floor((1-rest)*scale) / scale
}

// noteBest says when best.safetensors holds the weights themselves, not their average.
func (r *run) noteBest() error {
	if !r.Best.Plain {
		return nil
	}
	return r.note(report.Info, fmt.Sprintf("%s holds the weights of epoch %d themselves: their average (--ema-decay %v) was less accurate on the validation images", weights.BestFile, r.Best.Epoch, r.config.EMADecay))
}
