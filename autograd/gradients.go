package autograd

import (
	"fmt"

	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// RequireGrad marks a leaf, so that Backward leaves a gradient at it, and returns it.
func (s *Scope) RequireGrad(t *Tensor) *Tensor { return s.SetRequiresGrad(t, true) }

// SetRequiresGrad says of a leaf whether Backward leaves a gradient at it, and returns it: torch's requires_grad_. A
// parameter without is frozen; leave it out of the optimizer too, which wants a gradient of each of its parameters.
func (s *Scope) SetRequiresGrad(t *Tensor, on bool) *Tensor {
	if !s.ready("require grad", t) {
		return nil
	}
	if err := native.SetRequiresGrad(native.Tensor(t.c), on); err != nil {
		s.Fail(opError("require grad", []*Tensor{t}, err))
		return nil
	}
	return t
}

// Detach is t outside the graph, with the same values in the same memory.
func (s *Scope) Detach(t *Tensor) *Tensor {
	return s.op("detach", []*Tensor{t}, func(out *lib.Ctensor) { lib.AtgDetach(out, t.c) })
}

// Backward adds the gradients of a scalar to every leaf that it depends on and releases the graph.
func (s *Scope) Backward(loss *Tensor) { s.BackwardWith(loss, BackwardOptions{}) }

// BackwardOptions are the arguments of torch.Tensor.backward. The zero value is that of a training step.
type BackwardOptions struct {
	Gradient    *Tensor // what the output's elements weigh, of its shape; nil stands for 1, for scalars only
	RetainGraph bool    // the graph can be gone through again
	CreateGraph bool    // the gradients are part of a graph themselves; implies RetainGraph
}

// BackwardWith is Backward of any tensor, with more to choose.
func (s *Scope) BackwardWith(output *Tensor, o BackwardOptions) {
	inputs := []*Tensor{output}
	if o.Gradient != nil {
		inputs = append(inputs, o.Gradient)
	}
	if !s.ready("backward", inputs...) {
		return
	}
	passes := native.Passes{Retain: o.RetainGraph, Create: o.CreateGraph}
	if err := native.Backward(handles(inputs[:1]), handles([]*Tensor{o.Gradient}), passes); err != nil {
		s.Fail(opError("backward", inputs, err))
	}
}

// GradOptions are the optional arguments of torch.autograd.grad. The zero value holds its defaults.
type GradOptions struct {
	GradOutputs []*Tensor // what the outputs' elements weigh, of their shapes; nil, or a nil element, stands for 1, for scalars only
	RetainGraph bool      // the graph can be gone through again
	CreateGraph bool      // the gradients can be differentiated in turn; implies RetainGraph
	AllowUnused bool      // an input that no output depends on gives nil; else it is an error
}

// Grad returns the gradients of the sum of outputs at inputs, which may be any parts of the graph, and leaves none at
// leaves: torch.autograd.grad.
func Grad(s *Scope, outputs, inputs []*Tensor, o GradOptions) []*Tensor {
	all := append(append([]*Tensor{}, outputs...), inputs...)
	weights := make([]*Tensor, len(outputs))
	for i, w := range o.GradOutputs {
		if i < len(weights) {
			weights[i] = w
		}
		if w != nil {
			all = append(all, w)
		}
	}
	if !s.ready("grad of", all...) {
		return nil
	}
	if len(outputs) == 0 || len(inputs) == 0 || len(o.GradOutputs) > len(outputs) {
		s.Fail(fmt.Errorf("autograd: grad of: %d outputs, %d inputs, %d weights of outputs", len(outputs), len(inputs), len(o.GradOutputs)))
		return nil
	}
	passes := native.Passes{Retain: o.RetainGraph, Create: o.CreateGraph}
	found, err := native.Grad(handles(outputs), handles(weights), handles(inputs), passes, o.AllowUnused)
	if err != nil {
		s.Fail(opError("grad of", all, err))
		return nil
	}
	grads := make([]*Tensor, len(inputs))
	for i, c := range found {
		if c != nil {
			grads[i] = s.own(lib.Ctensor(c))
		}
	}
	return grads
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
