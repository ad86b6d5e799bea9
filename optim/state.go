package optim

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"depthwise.dev/autograd"
)

// State implements [Optimizer].
func (o *optimizer) State() State {
	return State{Steps: o.steps, Tensors: slices.Clone(o.state)}
}

// Load implements [Optimizer].
func (o *optimizer) Load(s *autograd.Scope, state State) error {
	if s.Err() != nil {
		return s.Err()
	}
	given := make(map[string]*autograd.Tensor, len(state.Tensors))
	for _, n := range state.Tensors {
		given[n.Name] = n.Tensor
	}
	if err := o.compare(state, given); err != nil {
		return err
	}
	var to, from autograd.List
	for _, n := range o.state {
		to, from = append(to, n.Tensor), append(from, given[n.Name])
	}
	to.CopyFrom(s, from)
	if err := s.Err(); err != nil {
		return err
	}
	o.steps = state.Steps
	return nil
}

// compare names what is missing, unexpected or of another shape.
func (o *optimizer) compare(state State, given map[string]*autograd.Tensor) error {
	var missing, unexpected, shapes []string
	known := make(map[string]bool, len(o.state))
	for _, n := range o.state {
		known[n.Name] = true
		switch t := given[n.Name]; {
		case t == nil:
			missing = append(missing, n.Name)
		case !slices.Equal(t.Shape(), n.Tensor.Shape()):
			shapes = append(shapes, fmt.Sprintf("%s is %v, the parameter %v", n.Name, t.Shape(), n.Tensor.Shape()))
		}
	}
	for _, n := range state.Tensors {
		if !known[n.Name] {
			unexpected = append(unexpected, n.Name)
		}
	}
	var errs []error
	for _, group := range []struct {
		what  string
		names []string
	}{{"missing", missing}, {"unexpected", unexpected}, {"of another shape", shapes}} {
		if len(group.names) > 0 {
			errs = append(errs, fmt.Errorf("optim: the state is not of this optimizer and network: %s: %s", group.what, strings.Join(group.names, ", ")))
		}
	}
	if state.Steps < 0 {
		errs = append(errs, fmt.Errorf("optim: the state counts %d steps", state.Steps))
	}
	return errors.Join(errs...)
}
