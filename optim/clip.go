package optim

import (
	"fmt"

	"depthwise.dev/autograd"
)

// clipEps keeps the quotient finite, as in torch.nn.utils.clip_grad_norm_.
const clipEps = 1e-6

// ClipGradNorm clips the global L2 norm of the gradients to max and returns the norm before
// clipping, as torch.nn.utils.clip_grad_norm_ does. If the norm is not finite, neither are the
// gradients afterwards.
func ClipGradNorm(s *autograd.Scope, grads autograd.List, max float64) float64 {
	if !(max > 0) {
		s.Fail(fmt.Errorf("optim: clip the gradient norm to %v: must be above 0", max))
		return 0
	}
	norm := grads.Norm(s)
	if scale := clipScale(norm, max); scale != 1 {
		grads.Scale(s, scale)
	}
	return norm
}

// clipScale is the factor that clips gradients of a norm to max, at most 1.
func clipScale(norm, max float64) float64 {
	if scale := max / (norm + clipEps); !(scale >= 1) {
		return scale
	}
	return 1
}
