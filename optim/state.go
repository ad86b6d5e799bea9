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
	if err := load(s, "of this optimizer and network", o.state, state); err != nil {
		return err
	}
	o.steps = state.Steps
	return nil
}

// load copies a state into the tensors of the same names. of names the owner of the state, for
// errors.
func load(s *autograd.Scope, of string, own []autograd.Named, state State) error {
	if s.Err() != nil {
		return s.Err()
	}
	given := make(map[string]*autograd.Tensor, len(state.Tensors))
	for _, n := range state.Tensors {
		given[n.Name] = n.Tensor
	}
	if err := compare(of, own, state, given); err != nil {
		return err
	}
	from := make(autograd.List, len(own))
	for i, n := range own {
		from[i] = given[n.Name]
	}
	list(own).CopyFrom(s, from)
	return s.Err()
}

// compare lists the names that are missing, unexpected or of another shape.
func compare(of string, own []autograd.Named, state State, given map[string]*autograd.Tensor) error {
	var missing, unexpected, shapes []string
	known := make(map[string]bool, len(own))
	for _, n := range own {
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
			errs = append(errs, fmt.Errorf("optim: the state is not %s: %s: %s", of, group.what, strings.Join(group.names, ", ")))
		}
	}
	if state.Steps < 0 {
		errs = append(errs, fmt.Errorf("optim: the state counts %d steps", state.Steps))
	}
	return errors.Join(errs...)
}
