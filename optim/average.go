package optim

import (
	"fmt"
	"slices"

	"depthwise.dev/autograd"
)

// Average is an exponential moving average of a network's arrays, parameters and running statistics
// alike, updated after each step of the optimizer:
//
//	average = average + (1-decay)*(array - average)
//
// The first update copies the arrays. timm's train.py uses ModelEmaV3 in this way (Polyak and
// Juditsky 1992 average with equal weights; MobileNet's authors used TensorFlow's
// ExponentialMovingAverage). [NewEqualAverage] makes an average with equal weights.
type Average struct {
	// Warmup of the decay; set it before the first update.
	Warmup AverageWarmup

	decay   float64
	equal   bool // the mean of the arrays at all updates
	steps   int64
	arrays  []autograd.Named // the averaged arrays
	values  []autograd.Named // the averages, in the same order
	index   map[string]int   // of the arrays, by name
	fusible bool             // a fused update can change them
}

// NewAverage returns the average of arrays. It writes to values, which have the same names and
// shapes in the same order, such as the State of another network.
func NewAverage(s *autograd.Scope, arrays, values []autograd.Named, decay float64) *Average {
	a := &Average{decay: decay, arrays: arrays, values: values, index: map[string]int{}}
	if !(decay >= 0 && decay < 1) {
		s.Fail(fmt.Errorf("optim: weight average: decay %v: must be at least 0 and below 1", decay))
		return a
	}
	return a.pair(s)
}

// pair checks that arrays and averages have the same names and shapes.
func (a *Average) pair(s *autograd.Scope) *Average {
	arrays, values := a.arrays, a.values
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
		a.index[n.Name] = i
	}
	a.fusible = autograd.FitsUpdate(s, append(list(arrays), list(values)...))
	return a
}

// State lists the averages under the names of the arrays, and the number of updates so far.
func (a *Average) State() State { return State{Steps: a.steps, Tensors: slices.Clone(a.values)} }

// Load copies a state by name. It must hold the same arrays with the same shapes; otherwise the
// error names every difference and nothing is changed.
func (a *Average) Load(s *autograd.Scope, state State) error {
	if err := load(s, "of this weight average", a.values, state); err != nil {
		return err
	}
	a.steps = state.Steps
	return nil
}

// Restart makes the next update copy the arrays, as the first one does.
func (a *Average) Restart() { a.steps = 0 }

// weight is the weight of the arrays in the next update.
func (a *Average) weight() float64 {
	if a.equal {
		return 1 / float64(a.steps+1)
	}
	return 1 - a.Warmup.decay(a.steps, a.decay)
}

// update changes the averages by libtorch's operations.
func (a *Average) update(s *autograd.Scope) {
	list(a.values).Lerp(s, list(a.arrays), a.weight())
}

// groupAverages are the averages of an optimizer's groups.
type groupAverages struct {
	weight                float64
	groups                []autograd.List // of the groups' parameters; nil without an average
	others, otherAverages autograd.List   // arrays that no group has
}

// averagesOf pairs the averages with the parameters of the groups. a may be nil.
func averagesOf(s *autograd.Scope, a *Average, groups []group) groupAverages {
	m := groupAverages{groups: make([]autograd.List, len(groups))}
	if a == nil {
		return m
	}
	m.weight = a.weight()
	paired := make([]bool, len(a.arrays))
	for i, g := range groups {
		for k, name := range g.names {
			at, known := a.index[name]
			if !known || a.arrays[at].Tensor != g.params[k] {
				s.Fail(fmt.Errorf("optim: weight average: the parameter %s is not among its arrays", name))
				return m
			}
			paired[at] = true
			m.groups[i] = append(m.groups[i], a.values[at].Tensor)
		}
	}
	for i, n := range a.arrays {
		if !paired[i] {
			m.others, m.otherAverages = append(m.others, n.Tensor), append(m.otherAverages, a.values[i].Tensor)
		}
	}
	return m
}

func list(named []autograd.Named) autograd.List {
	tensors := make(autograd.List, len(named))
	for i, n := range named {
		tensors[i] = n.Tensor
	}
	return tensors
}
