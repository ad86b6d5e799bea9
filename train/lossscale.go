package train

import (
	"errors"
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/optim"
	"depthwise.dev/report"
)

// newLossScaler makes the scaler of a run in float16. It lasts for the run, also where another optimizer replaces the first.
func (r *run) newLossScaler(s *autograd.Scope) {
	if r.Precision == autograd.FP16 && r.scaler == nil {
		r.scaler = optim.NewLossScaler(s, r.Place)
	}
	if r.scaler != nil && r.config.Accumulate > 1 {
		r.scaler.Divisor = float64(r.config.BatchSize) // losses of accumulated batches are sums over their images
	}
}

// scaledLoss is a batch's loss for the backward pass.
func (r *run) scaledLoss(s *autograd.Scope, loss *autograd.Tensor) *autograd.Tensor {
	if r.scaler == nil {
		return loss
	}
	return r.scaler.Scale(s, loss)
}

// stepResult is what the device computed in a step besides losses.
type stepResult struct {
	norm      float64 // of the gradients; 0 if it was not computed, or the step was skipped
	lossScale float64 // in float16; else 0
	skipped   bool    // the gradients were not finite at that scale, and nothing was updated
}

// newStepResult takes the numbers of [optim.Update.Queued] with a scaler. An optimizer that returns others has not divided the
// gradients.
func newStepResult(values []float64) (stepResult, error) {
	if len(values) != 3 {
		return stepResult{}, errors.New("the trainer's optimizer does not scale losses (optim.StepOptions.Scaler), which fp16 needs; use another precision")
	}
	r := stepResult{norm: values[0], lossScale: values[2], skipped: values[1] != 0}
	if !r.skipped {
		return r, nil
	}
	r.norm = 0
	if r.lossScale <= optim.MinLossScale {
		return r, fmt.Errorf("the gradients exceed float16 at a loss scale of %g: %w", r.lossScale, ErrNotFinite)
	}
	return r, nil
}

// noteSkipped says, once, why a step was skipped.
func (r *run) noteSkipped(e report.Step) error {
	if !e.UpdateSkipped || r.skippedNoted {
		return nil
	}
	r.skippedNoted = true
	return r.note(report.Info, fmt.Sprintf("step %d: gradients exceeded float16 at the loss scale %g: the step did not change the weights, and the scale is halved. Some such steps are normal; metrics.csv counts them", e.Step, e.LossScale))
}

// keepLossScale copies the scaler's state to the progress, and returns it; nil: there is none.
func (r *run) keepLossScale(s *autograd.Scope) *optim.LossScalerState {
	if r.scaler == nil {
		return nil
	}
	state := r.scaler.State(s)
	r.LossScale = &state
	return r.LossScale
}

// restoreLossScale restores the scaler from the progress.
func (r *run) restoreLossScale(s *autograd.Scope) error {
	switch {
	case r.scaler == nil:
		return nil
	case r.LossScale == nil:
		return errors.New("its metadata \"progress\" has no loss_scale, which a run in fp16 writes; start again in another --out")
	}
	r.skippedNoted = r.LossScale.Skipped > 0
	return r.scaler.Load(s, *r.LossScale)
}
