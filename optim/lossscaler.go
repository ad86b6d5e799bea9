package optim

import (
	"cmp"
	"fmt"

	"depthwise.dev/autograd"
)

// LossScaler multiplies losses so that gradients in float16, which ends at 65504 and rounds what is below 6e-8 to zero, fit in
// between: torch.amp.GradScaler. A step with gradients that are infinite or NaN changes no parameter and no state of the
// optimizer, and halves the scale, which doubles after 2000 other steps. The host does not wait for a GPU: scale and counts are
// tensors there.
//
//	loss = scaler.Scale(s, loss)                              // before the backward pass
//	optimizer.Prepare(StepOptions{LR: lr, Scaler: scaler})    // divides the gradients first, then clips
type LossScaler struct {
	// Divisor divides the loss beside the scale, and updates multiply the gradients by it again: a number of images for a loss that is a
	// sum over as many, which would need a smaller scale than their mean. 0: 1.
	Divisor float64

	options autograd.LossScaling
	scale   *autograd.Tensor // float32
	growth  *autograd.Tensor // int32: steps since the scale changed
	found   *autograd.Tensor // float32: 1 if the gradients of this step are not finite
	skipped *autograd.Tensor // float32: steps without an update so far
}

// The options of torch.amp.GradScaler by default.
const (
	initialLossScale = 65536
	lossScaleGrowth  = 2
	lossScaleBackoff = 0.5
	growthInterval   = 2000
)

// MinLossScale is the scale at which gradients that are not finite mean that training has diverged: those of the loss
// itself exceed float16 then. PyTorch has no such limit; DeepSpeed's is 1 as well.
const MinLossScale = 1

// LossScalerState is the state of a LossScaler between steps.
type LossScalerState struct {
	Scale   float64 `json:"scale"`
	Growth  int64   `json:"growth"`            // steps since the scale changed
	Skipped int64   `json:"skipped,omitempty"` // steps without an update so far
}

// NewLossScaler returns a scaler of losses on a device. It belongs to s.
func NewLossScaler(s *autograd.Scope, d autograd.Device) *LossScaler {
	o := autograd.LossScaling{Growth: lossScaleGrowth, Backoff: lossScaleBackoff, Interval: growthInterval}
	return newLossScaler(s, d, initialLossScale, o)
}

func newLossScaler(s *autograd.Scope, d autograd.Device, initial float64, o autograd.LossScaling) *LossScaler {
	zero := func() *autograd.Tensor { return s.Zeros(autograd.Float32, d) }
	return &LossScaler{options: o, scale: s.AddScalar(zero(), initial), growth: s.Zeros(autograd.Int32, d), found: zero(), skipped: zero()}
}

// Scale returns a loss times the scale, for the backward pass.
func (l *LossScaler) Scale(s *autograd.Scope, loss *autograd.Tensor) *autograd.Tensor {
	if l.divisor() != 1 {
		loss = s.Scale(loss, 1/l.divisor())
	}
	return s.Mul(loss, l.scale)
}

func (l *LossScaler) divisor() float64 { return cmp.Or(l.Divisor, 1) }

// unscale divides gradients by the scale, in place, and keeps whether they are finite.
func (l *LossScaler) unscale(s *autograd.Scope, grads autograd.List) {
	autograd.List{l.found}.Zero(s)
	inverse := s.Div(s.AddScalar(s.Scale(l.scale, 0), l.divisor()), l.scale)
	grads.Unscale(s, l.found, inverse)
}

// update ends a step.
func (l *LossScaler) update(s *autograd.Scope) {
	autograd.UpdateLossScale(s, l.scale, l.growth, l.found, l.options)
	autograd.List{l.skipped}.AddScaled(s, autograd.List{l.found}, 1)
}

// State reads the state, for which it waits.
func (l *LossScaler) State(s *autograd.Scope) LossScalerState {
	var state LossScalerState
	s.Fail(s.Sub(func(s *autograd.Scope) error {
		state = LossScalerState{Scale: s.Item(l.scale), Growth: int64(s.Item(l.growth)), Skipped: int64(s.Item(l.skipped))}
		return s.Err()
	}))
	return state
}

// Load restores a state.
func (l *LossScaler) Load(s *autograd.Scope, state LossScalerState) error {
	if !(state.Scale > 0) || !finite(state.Scale) || state.Growth < 0 || state.Skipped < 0 {
		return fmt.Errorf("optim: state of a loss scaler: %+v: the scale must be above 0 and finite, and the counts at least 0", state)
	}
	autograd.CopyFromSlice(s, l.scale, []float32{float32(state.Scale)})
	autograd.CopyFromSlice(s, l.growth, []int32{int32(state.Growth)})
	autograd.CopyFromSlice(s, l.skipped, []float32{float32(state.Skipped)})
	return s.Err()
}
