package autograd

import (
	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// Checkpoint returns f(inputs) without keeping f's intermediate values: the backward pass
// recomputes them. It trades time for memory, as torch.utils.checkpoint
// (https://arxiv.org/abs/1604.06174).
//
// Recomputation draws the same random numbers and leaves the running statistics of [BatchNorm]
// unchanged. f uses the inputs that it is given, and parameters, which get their gradients too. It
// must compute the same each time, so it may depend on nothing that changes in between, and
// parameters must not be updated before the backward pass. Hooks see each gradient once.
func (s *Scope) Checkpoint(f func(s *Scope, inputs []*Tensor) *Tensor, inputs ...*Tensor) *Tensor {
	if !s.ready("checkpoint", inputs...) {
		return nil
	}
	var result *Tensor
	err := s.Sub(func(inner *Scope) error {
		state, err := native.BeginCheckpoint(handles(inputs))
		if err != nil {
			return opError("checkpoint", inputs, err)
		}
		defer state.End()
		y := f(inner, inner.clones(inputs))
		if !inner.ready("checkpoint: result", y) {
			return inner.err
		}
		if !native.GradMode() {
			result = inner.Keep(y)
			return nil
		}
		c := s.caller()
		c.again = true
		call := c.callback("checkpoint", func(s *Scope, in []*Tensor) []*Tensor {
			return []*Tensor{f(s, in)}
		})
		made, err := native.Checkpoint(native.Tensor(y.c), handles(inputs), state, call)
		if err != nil {
			return opError("checkpoint", inputs, err)
		}
		result = s.own(lib.Ctensor(made))
		return nil
	})
	if err != nil {
		s.Fail(err)
		return nil
	}
	return result
}
