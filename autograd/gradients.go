package autograd

import (
	"fmt"

	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// RequireGrad marks a leaf for Backward to accumulate its gradient, and returns it.
func (s *Scope) RequireGrad(t *Tensor) *Tensor { return s.SetRequiresGrad(t, true) }

// SetRequiresGrad sets whether Backward accumulates a gradient in a leaf, and returns the leaf:
// torch's requires_grad_. A parameter that does not require a gradient is frozen; leave it out of
// the optimizer too, which needs a gradient of each of its parameters.
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

// Detach returns t outside the graph, sharing its memory.
func (s *Scope) Detach(t *Tensor) *Tensor {
	return s.op("detach", []*Tensor{t}, func(out *lib.Ctensor) { lib.AtgDetach(out, t.c) })
}

// Backward accumulates the gradients of a scalar in every leaf that it depends on, and releases the
// graph.
func (s *Scope) Backward(loss *Tensor) { s.BackwardWith(loss, BackwardOptions{}) }

// BackwardOptions are the arguments of torch.Tensor.backward. The zero value suits a training step.
type BackwardOptions struct {
	Gradient    *Tensor // weights of the output's elements, of its shape; nil means 1, for scalars only
	RetainGraph bool    // keep the graph for another pass
	CreateGraph bool    // record a graph of the gradients; implies RetainGraph
}

// BackwardWith is Backward of any tensor, with options.
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
	GradOutputs []*Tensor // weights of the outputs' elements, of their shapes; nil, or a nil element, means 1, for scalars only
	RetainGraph bool      // keep the graph for another pass
	CreateGraph bool      // record a graph of the gradients; implies RetainGraph
	AllowUnused bool      // return nil for an input that no output depends on, instead of an error
}

// Grad returns the gradients of the sum of outputs at inputs, which may be any tensors of the
// graph, and accumulates nothing in leaves: torch.autograd.grad.
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

// Grad returns the gradient that Backward accumulated in a leaf, sharing its memory, or nil if
// there is none.
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

// GradsOf returns the gradients of all leaves; a leaf without one is an error.
func GradsOf(s *Scope, leaves List) List {
	grads := make(List, 0, len(leaves))
	for i, t := range leaves {
		g := s.Grad(t)
		if g == nil {
			s.Fail(fmt.Errorf("autograd: gradients: leaf %d, %v, has no gradient: the loss does not depend on it, or Backward has not run", i, t))
			return nil
		}
		grads = append(grads, g)
	}
	return grads
}

// ZeroGrads releases the gradients of all leaves, as zero_grad(set_to_none=True): the next Backward
// stores instead of adding, and until then the leaves have none.
func ZeroGrads(s *Scope, leaves List) {
	leaves.update(s, "zero grads", nil, native.ClearGradients)
}
