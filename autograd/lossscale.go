package autograd

import (
	"depthwise.dev/autograd/native"
)

// LossScaling is how a loss scale changes: the options of torch.amp.GradScaler.
type LossScaling struct {
	Growth   float64 // factor after Interval steps in a row without infinite gradients
	Backoff  float64 // factor after a step with some
	Interval int64
}

// Unscale multiplies gradients, in place, by inverse, and sets found to 1 if one of them is infinite or NaN. Both are scalars,
// float32, on the gradients' device; the host does not wait.
func (l List) Unscale(s *Scope, found, inverse *Tensor) {
	const name = "list unscale"
	if !s.ready(name, found, inverse) {
		return
	}
	l.update(s, name, nil, func(x []native.Tensor) error {
		return native.ListUnscale(x, native.Tensor(found.c), native.Tensor(inverse.c))
	})
}

// Restore is l = kept where the scalar when, on their device, is 1, and changes nothing where it is 0: bit by bit, whatever
// l holds. The tensors have one type, float32 or float64.
func (l List) Restore(s *Scope, kept List, when *Tensor) {
	const name = "list restore"
	if !s.ready(name, when) {
		return
	}
	l.update(s, name, []List{kept}, func(x []native.Tensor) error {
		return native.ListRestore(x, kept.handles(), native.Tensor(when.c))
	})
}

// UpdateLossScale changes a scale, in place, by what the gradients of a step were: found is that of [List.Unscale]. growth, int32,
// counts the steps since the last change. All are scalars on one device, for which the host does not wait.
func UpdateLossScale(s *Scope, scale, growth, found *Tensor, o LossScaling) {
	const name = "update loss scale"
	inputs := []*Tensor{scale, growth, found}
	if !s.ready(name, inputs...) {
		return
	}
	if err := native.UpdateLossScale(native.Tensor(scale.c), native.Tensor(growth.c), native.Tensor(found.c), o.Growth, o.Backoff, o.Interval); err != nil {
		s.Fail(opError(name, inputs, err))
	}
}
