package autograd

import (
	"errors"

	"depthwise.dev/autograd/native"
)

// A RemovableHandle removes a hook. The zero value removes nothing.
type RemovableHandle struct {
	tensor   *Tensor
	position uint
}

// RegisterHook calls hook with each gradient of t that a pass computes, before the gradient
// propagates further. A tensor that hook returns replaces the gradient; nil keeps it. Both belong
// to the scope that hook is given. Errors of that scope and panics end the pass and become its
// error. The hook lives as long as t's part of the graph, or for a leaf as long as the leaf. It is
// torch.Tensor.register_hook.
func (s *Scope) RegisterHook(t *Tensor, hook func(s *Scope, gradient *Tensor) *Tensor) RemovableHandle {
	if !s.ready("register hook", t) {
		return RemovableHandle{}
	}
	if hook == nil {
		s.Fail(errors.New("autograd: register hook: the hook is nil"))
		return RemovableHandle{}
	}
	call := s.caller().callback("hook", func(s *Scope, in []*Tensor) []*Tensor { return []*Tensor{hook(s, in[0])} })
	position, err := native.RegisterHook(native.Tensor(t.c), call)
	if err != nil {
		s.Fail(opError("register hook", []*Tensor{t}, err))
		return RemovableHandle{}
	}
	return RemovableHandle{tensor: t, position: position}
}

// Remove removes the hook. It does nothing if the tensor, and with it the hook, no longer exists.
func (h RemovableHandle) Remove(s *Scope) {
	if h.tensor == nil || h.tensor.c == nil || !s.ready("remove hook", h.tensor) {
		return
	}
	if err := native.RemoveHook(native.Tensor(h.tensor.c), h.position); err != nil {
		s.Fail(opError("remove hook", []*Tensor{h.tensor}, err))
	}
}
