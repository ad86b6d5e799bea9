package optim

import (
	"fmt"

	"depthwise.dev/autograd"
)

// clipEps keeps the quotient finite; torch.nn.utils.clip_grad_norm_ has the same.
const clipEps = 1e-6

// ClipGradNorm scales the gradients so that their norm, over all of them
// together, is at most max, and returns the norm before: torch's
// clip_grad_norm_. A norm that is not finite is returned as it is, and leaves
// gradients that are not finite either.
func ClipGradNorm(s *autograd.Scope, grads autograd.List, max float64) float64 {
	if !(max > 0) {
		s.Fail(fmt.Errorf("optim: gradients clipped to a norm of %v: must be above 0", max))
		return 0
	}
	norm := grads.Norm(s)
	if scale := clipScale(norm, max); scale != 1 {
		grads.Scale(s, scale)
	}
	return norm
}

// clipScale is what gradients of a norm are multiplied by, 1 where it is low enough.
func clipScale(norm, max float64) float64 {
	if scale := max / (norm + clipEps); !(scale >= 1) {
		return scale
	}
	return 1
}
