package backend

import (
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/models"
)

// A ForwardHook is called with each layer's output while Forward runs: of a convolution after its normalization and
// activation (N, C, H, W), of the classifier the logits. What it returns takes the output's place; nil leaves it. The
// output is freed when the next layer is done; a hook keeps what it needs longer with Scope.Detach or ToSlice, and
// watches the gradient with Scope.RegisterHook.
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

// Hooked reports whether somebody wants the layers' outputs. Kernels that do not have them one by one must leave the
// computation to libtorch's then.
func (n *Network) Hooked() bool { return len(n.hooks) > 0 }

// observed is the output of a layer as the hooks leave it.
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
