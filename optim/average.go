package optim

import (
	"fmt"
	"slices"

	"depthwise.dev/autograd"
)

// Average is an exponential moving average of a network's arrays, parameters and running statistics alike, after each
// update of the optimizer:
//
//	average = average + (1-decay)*(array - average)
//
// The first update makes it the arrays themselves. That is what timm's ModelEmaV3 does as its train.py calls it (Polyak and
// Juditsky 1992 averaged evenly; TensorFlow's ExponentialMovingAverage did the paper's).
type Average struct {
	decay  float64
	steps  int64
	arrays []autograd.Named // what is followed
	values []autograd.Named // the averages, in the same order
	places map[string]int   // of the arrays, by name
	fits   bool             // the fused update can do it
}

// NewAverage returns the average of arrays, kept in values: the same names in the same order, with the same shapes, such as
// the State of another network. Values belong to the average from then on.
func NewAverage(s *autograd.Scope, arrays, values []autograd.Named, decay float64) *Average {
	a := &Average{decay: decay, arrays: arrays, values: values, places: map[string]int{}}
	if !(decay > 0 && decay < 1) {
		s.Fail(fmt.Errorf("optim: weight average: decay %v: must be above 0 and below 1", decay))
		return a
	}
	if len(arrays) != len(values) {
		s.Fail(fmt.Errorf("optim: weight average: %d arrays and %d averages", len(arrays), len(values)))
		return a
	}
	for i, n := range arrays {
		v := values[i]
		if n.Name != v.Name || !slices.Equal(n.Tensor.Shape(), v.Tensor.Shape()) {
			s.Fail(fmt.Errorf("optim: weight average: array %d is %s %v and its average %s %v", i, n.Name, n.Tensor, v.Name, v.Tensor))
			return a
		}
		a.places[n.Name] = i
	}
	a.fits = autograd.FitsUpdate(s, append(list(arrays), list(values)...))
	return a
}

// State is the averages under the names of the arrays, and how many updates are in them.
func (a *Average) State() State { return State{Steps: a.steps, Tensors: slices.Clone(a.values)} }

// Load copies a state by name. It must hold the same arrays with the same shapes; otherwise every difference is named and
// nothing is changed.
func (a *Average) Load(s *autograd.Scope, state State) error {
	if err := load(s, "of this weight average", a.values, state); err != nil {
		return err
	}
	a.steps = state.Steps
	return nil
}

// weight is that of the arrays in the next update.
func (a *Average) weight() float64 {
	if a.steps == 0 {
		return 1
	}
	return 1 - a.decay
}

// update moves the averages by libtorch's operations.
func (a *Average) update(s *autograd.Scope) {
	list(a.values).Lerp(s, list(a.arrays), a.weight())
}

// join adds the averages to a fused update: to each group those of its parameters, and the other arrays as a group of their
// own.
func (a *Average) join(s *autograd.Scope, u *autograd.Update) {
	u.AverageWeight = a.weight()
	joined := make([]bool, len(a.arrays))
	for i := range u.Groups {
		g := &u.Groups[i]
		for k, name := range g.Names {
			place, known := a.places[name]
			if !known || a.arrays[place].Tensor != g.Parameters[k] {
				s.Fail(fmt.Errorf("optim: weight average: the parameter %s is none of its arrays", name))
				return
			}
			joined[place] = true
			g.Averages = append(g.Averages, a.values[place].Tensor)
		}
	}
	var rest autograd.UpdateGroup
	for i, n := range a.arrays {
		if !joined[i] {
			rest.Parameters, rest.Averages = append(rest.Parameters, n.Tensor), append(rest.Averages, a.values[i].Tensor)
		}
	}
	u.Groups = append(u.Groups, rest)
}

func list(named []autograd.Named) autograd.List {
	tensors := make(autograd.List, len(named))
	for i, n := range named {
		tensors[i] = n.Tensor
	}
	return tensors
}
