package backend

import (
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/models"
)

// A ForwardHook is called with the output of every layer while Forward runs: (N, C, H, W) or (N, C), after the layer's
// batch norm and activation. A tensor that it returns replaces the output; nil leaves it. The output is freed when the
// last layer that reads it is done: keep what is needed longer with Scope.Detach or ToSlice, and watch the gradient with
// Scope.RegisterHook.
type ForwardHook func(s *autograd.Scope, layer models.Layer, output *autograd.Tensor) *autograd.Tensor

// A RemovableHandle ends a hook.
type RemovableHandle struct {
	network *Network
	hook    *ForwardHook
}

// RegisterForwardHook calls hook with the layers' outputs from now on, after those registered before, until the handle's
// Remove: torch's register_forward_hook.
func (n *Network) RegisterForwardHook(hook ForwardHook) RemovableHandle {
	n.hooks = append(n.hooks, &hook)
	return RemovableHandle{network: n, hook: &hook}
}

// Remove ends the hook; a second call does nothing.
func (h RemovableHandle) Remove() {
	h.network.hooks = slices.DeleteFunc(slices.Clone(h.network.hooks), func(f *ForwardHook) bool { return f == h.hook })
}

// Hooked reports whether forward hooks are registered. A backend that does not compute the layers one by one then uses
// [Torch].
func (n *Network) Hooked() bool { return len(n.hooks) > 0 }

// observed calls the hooks and returns the layer's output, or what replaces it.
func (n *Network) observed(s *autograd.Scope, l models.Layer, output *autograd.Tensor) *autograd.Tensor {
	for _, hook := range n.hooks {
		if s.Err() != nil {
			return nil
		}
		if replaced := (*hook)(s, l, output); replaced != nil {
			output = replaced
		}
	}
	return output
}
