package train

import (
	"fmt"
	"math"
	"strconv"

	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// averageHorizon returns a warning if the weight average cannot leave the initial weights behind
// within the run: after as many steps as its horizon, 1/(1-decay), they still have a weight of 1/e.
func (r *run) averageHorizon() string {
	decay, steps := r.config.EMADecay, float64(r.totalSteps)
	if decay == 0 || 1/(1-decay) <= steps {
		return ""
	}
	text := fmt.Sprintf("--ema-decay %v averages over about %.0f steps, and the run has %.0f: the average will stay near the first weights", decay, 1/(1-decay), steps)
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
