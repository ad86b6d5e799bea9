package page

import (
	"math"

	"depthwise.dev/report"
)

// result is a validation of the weights or of an average of them.
type result struct{ top1, top5, loss, mAP float64 }

// figure is what the best epoch is chosen by: the mAP of multi-label data, otherwise top-1.
func (r result) figure(multiLabel bool) float64 {
	if multiLabel {
		return r.mAP
	}
	return r.top1
}

// resultOf returns the result that counts of an epoch: as in training, an average's where it is not worse.
func resultOf(e report.Epoch, multiLabel bool) result {
	now := result{e.ValTop1, e.ValTop5, e.ValLoss, e.ValMAP}
	average := func(r result) {
		if math.IsNaN(now.loss) || !math.IsNaN(r.loss) && r.figure(multiLabel) >= now.figure(multiLabel) {
			now = r
		}
	}
	if e.Averaged {
		average(result{e.EMAValTop1, e.EMAValTop5, e.EMAValLoss, e.EMAValMAP})
	}
	if e.SWAEpochs > 0 {
		average(result{e.SWAValTop1, e.SWAValTop5, e.SWAValLoss, e.SWAValMAP})
	}
	return now
}

// best returns the best epoch and its result; nil without one.
func (d Data) best() (*report.Epoch, result) {
	e := d.History.Best()
	if e == nil {
		return nil, result{}
	}
	return e, resultOf(*e, d.History.Start.MultiLabel)
}
