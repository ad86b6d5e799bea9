package report

import "math"

// Measured is the result of a validation: fractions of the images, and the mean loss. MAP is that of multi-label data.
type Measured struct{ Top1, Top5, Loss, MAP float64 }

// Counted returns the validation that counts for Best: that of the weights, of their moving average, or of the average of
// the last epochs. An average counts unless it is worse, as in training.
func (e Epoch) Counted() Measured {
	best := Measured{e.ValTop1, e.ValTop5, e.ValLoss, e.ValMAP}
	multiLabel := e.ValMAP != 0 || e.EMAValMAP != 0 || e.SWAValMAP != 0
	if e.Averaged {
		best = betterAverage(Measured{e.EMAValTop1, e.EMAValTop5, e.EMAValLoss, e.EMAValMAP}, best, multiLabel)
	}
	if e.SWAEpochs > 0 {
		best = betterAverage(Measured{e.SWAValTop1, e.SWAValTop5, e.SWAValLoss, e.SWAValMAP}, best, multiLabel)
	}
	return best
}

// betterAverage returns the result of an average, or the other one if that is better.
func betterAverage(average, other Measured, multiLabel bool) Measured {
	notWorse := average.Top1 >= other.Top1
	if multiLabel {
		notWorse = average.MAP >= other.MAP
	}
	if math.IsNaN(other.Loss) || !math.IsNaN(average.Loss) && notWorse {
		return average
	}
	return other
}
