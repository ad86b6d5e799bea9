package autograd

import (
	"errors"

	"depthwise.dev/autograd/native"
)

// A RemovableHandle ends a hook.
type RemovableHandle struct {
	tensor   *Tensor
	position uint
}

// RegisterHook calls hook with each gradient of t that a pass computes, before the gradient goes on. What hook returns
// takes the gradient's place; nil leaves it. Both belong to the scope that hook is given. Errors of that scope and panics
// end the pass and are its error. The hook lives as long as t's part of the graph, at a leaf as long as the leaf.
// It is torch.Tensor.register_hook.
func (s *Scope) RegisterHook(t *Tensor, hook func(s *Scope, gradient *Tensor) *Tensor) *RemovableHandle {
	if !s.ready("register hook", t) {
		return nil
	}
	if hook == nil {
		s.Fail(errors.New("autograd: register hook: the hook is nil"))
		return nil
	}
	call := s.caller().callback("hook", func(s *Scope, in []*Tensor) []*Tensor { return []*Tensor{hook(s, in[0])} })
	position, err := native.RegisterHook(native.Tensor(t.c), call)
	if err != nil {
		s.Fail(opError("register hook", []*Tensor{t}, err))
		return nil
	}
	return &RemovableHandle{tensor: t, position: position}
}

// Remove ends the hook. It does nothing when the tensor is gone, and its hooks with it.
func (h *RemovableHandle) Remove(s *Scope) {
	if h == nil || h.tensor.c == nil || !s.ready("remove hook", h.tensor) {
		return
	}
	if err := native.RemoveHook(native.Tensor(h.tensor.c), h.position); err != nil {
		s.Fail(opError("remove hook", []*Tensor{h.tensor}, err))
	}
}
