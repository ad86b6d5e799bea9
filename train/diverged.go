package train

import (
	"fmt"
	"math"

	"depthwise.dev/report"
)

// Losses beyond which an epoch counts as diverged, as multiples of the loss of guessing: the logarithm of the number of classes.
const (
	// Of the validation, if it is also so many times the training loss. A network that is confidently wrong on all of a few
	// images stays below; batch norm whose running statistics do not fit the weights reaches 10 to 100,000 (measured on 30 to
	// 50 photographs at a learning rate of 0.05 and 0.1).
	divergedValidation = 3
	// Of training: frozen batch norms at the learning rates of trainable ones have 1.4 to 2 in the first epochs and up to 60.
	divergedTraining = 1.25
	// divergedEpochs is the number of such epochs in a row that is worth a warning: single ones are common at the highest rates.
	divergedEpochs = 3
)

// divergence counts the diverged epochs of this process.
type divergence struct {
	epochs int  // in a row
	noted  bool // whether they were warned of
}

// guessing is the loss of a network that gives all classes the same probability.
func (r *run) guessing() float64 {
	if r.multiLabel() {
		return math.Ln2 // of each class
	}
	return math.Log(float64(max(2, len(r.images.train.Classes))))
}

// divergedLoss describes how an epoch diverged; "" for one that did not.
func (r *run) divergedLoss(e report.Epoch) string {
	guess := r.guessing()
	if e.ValImages > 0 {
		val := lowestLoss(e)
		switch limit := divergedValidation * math.Max(guess, e.TrainLoss); {
		case math.IsInf(val, 1):
			return "the validation loss is not finite: " + r.statistics()
		case val > limit:
			return fmt.Sprintf("the validation loss is %.4g, that of training %.3g, that of guessing %.3g: %s", val, e.TrainLoss, guess, r.statistics())
		}
	}
	plain := r.trainer.Loss.Compute == nil && r.classWeights == nil && r.posWeight == nil
	if plain && e.TrainLoss > divergedTraining*guess {
		return fmt.Sprintf("the training loss is %.3g, that of guessing %.3g: the learning rate is too high; try --lr %.2g", e.TrainLoss, guess, r.config.LR/10)
	}
	return ""
}

// statistics says what makes a network fail in validation alone.
func (r *run) statistics() string {
	advice := fmt.Sprintf("a lower --lr such as %.2g", r.config.LR/5)
	if r.config.Init == "" {
		advice += ", or --init with trained weights"
	}
	return "batch norm's running statistics, which validation uses, do not fit the weights. More epochs at a falling learning rate often help; otherwise " + advice + " (docs/troubleshooting.md)"
}

// lowestLoss is the lowest loss of the validated networks; +Inf if none is finite.
func lowestLoss(e report.Epoch) float64 {
	losses := []float64{e.ValLoss}
	if e.Averaged {
		losses = append(losses, e.EMAValLoss)
	}
	if e.SWAEpochs > 0 {
		losses = append(losses, e.SWAValLoss)
	}
	lowest := math.Inf(1)
	for _, loss := range losses {
		if loss < lowest { // false for NaN
			lowest = loss
		}
	}
	return lowest
}

// warnDivergence warns of epochs that diverged: the first time that enough come in a row, and where the last epoch is one.
func (r *run) warnDivergence(e report.Epoch) error {
	text, d := r.divergedLoss(e), &r.divergence
	if text == "" {
		d.epochs = 0
		return nil
	}
	d.epochs++
	switch {
	case r.Done:
		return r.note(report.Warning, fmt.Sprintf("epoch %d, the last one: %s", e.Epoch, text))
	case d.epochs < divergedEpochs || d.noted:
		return nil
	}
	d.noted = true
	return r.note(report.Warning, fmt.Sprintf("epoch %d: for %d epochs in a row: %s", e.Epoch, d.epochs, text))
}
