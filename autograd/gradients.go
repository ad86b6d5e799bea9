package autograd

import (
	"fmt"

	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// RequireGrad marks a leaf, so that Backward leaves a gradient at it, and returns it.
func (s *Scope) RequireGrad(t *Tensor) *Tensor {
	return s.inPlace("require grad", t, func(out *lib.Ctensor) { lib.AtgSetRequiresGrad(out, t.c, 1) })
}

// Detach is t outside the graph, with the same values in the same memory.
func (s *Scope) Detach(t *Tensor) *Tensor {
	return s.op("detach", []*Tensor{t}, func(out *lib.Ctensor) { lib.AtgDetach(out, t.c) })
}

// Backward adds the gradients of a scalar to every leaf that it depends on and releases the graph.
func (s *Scope) Backward(loss *Tensor) {
	if !s.ready("backward", loss) {
		return
	}
	if err := native.Backward(native.Tensor(loss.c)); err != nil {
		s.Fail(opError("backward", []*Tensor{loss}, err))
	}
}

// Grad is the gradient that Backward has left at a leaf, nil where there is none. It shares the leaf's memory of it.
func (s *Scope) Grad(t *Tensor) *Tensor {
	if !s.ready("grad", t) {
		return nil
	}
	c, err := native.Gradient(native.Tensor(t.c))
	if err == nil && c == nil {
		return nil
	}
	return s.made("grad", []*Tensor{t}, c, err)
}

// GradsOf lists the gradients of all leaves; one without is an error.
func GradsOf(s *Scope, leaves List) List {
	grads := make(List, 0, len(leaves))
	for i, t := range leaves {
		g := s.Grad(t)
		if g == nil {
			s.Fail(fmt.Errorf("autograd: gradients: leaf %d, %v, has none: the loss does not depend on it, or Backward has not run", i, t))
			return nil
		}
		grads = append(grads, g)
	}
	return grads
}

// ZeroGrads gives up the gradients of all leaves, as zero_grad(set_to_none=True): the next Backward stores instead of
// adding, and in between the leaves have none.
func ZeroGrads(s *Scope, leaves List) {
	leaves.update(s, "zero grads", nil, native.ClearGradients)
}
