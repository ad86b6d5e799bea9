package train

import (
	"math"

	"depthwise.dev/classify"
)

// bestOf is a validation's score as that of the current epoch.
func (r *run) bestOf(score classify.Score) best {
	b := best{Step: r.Step, Epoch: r.Epoch + 1, MAP: score.MAP()}
	b.Top1, b.Top5, b.Loss = score.Rates()
	return b
}

// betterOf returns the result of the network or, unless it is worse, of its weight average: an
// average over more steps than the run has had is still near the initial weights.
func (r *run) betterOf(scores []classify.Score) best {
	now := r.bestOf(scores[0])
	if r.average == nil {
		return now
	}
	if average := r.bestOf(scores[1]); r.notWorse(average, now) {
		return average
	}
	now.Plain = true
	return now
}

// notWorse reports whether a result of an average replaces another one.
func (r *run) notWorse(average, other best) bool {
	multi := r.multiLabel()
	return math.IsNaN(other.Loss) || !math.IsNaN(average.Loss) && average.figure(multi) >= other.figure(multi)
}

// figure is what the best epoch is chosen by: the mAP of multi-label data, otherwise top-1.
func (b best) figure(multiLabel bool) float64 {
	if multiLabel {
		return b.MAP
	}
	return b.Top1
}

// networkOf returns which of the validated networks a result is of: the network itself, its moving average, or the average
// of the last epochs, in this order.
func (r *run) networkOf(b best) int {
	switch {
	case r.average != nil && b.SWA:
		return 2
	case r.average != nil && !b.Plain || b.SWA:
		return 1
	}
	return 0
}
