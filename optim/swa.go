package optim

import "depthwise.dev/autograd"

// NewEqualAverage returns the average with equal weights of arrays at the updates by [Average.Update]: stochastic
// weight averaging (Izmailov et al. 2018, arXiv:1803.05407), torch.optim.swa_utils.AveragedModel with its
// default averaging. Running statistics are averaged as parameters are; torch's update_bn computes them
// again for the averaged parameters. values are as for [NewAverage].
func NewEqualAverage(s *autograd.Scope, arrays, values []autograd.Named) *Average {
	a := &Average{equal: true, arrays: arrays, values: values, index: map[string]int{}}
	return a.pair(s)
}

// Update changes the averages, outside an optimizer's step, without recording a graph. Errors are kept by the scope.
func (a *Average) Update(s *autograd.Scope) {
	err := s.NoGrad(func(s *autograd.Scope) error {
		a.update(s)
		return s.Err()
	})
	if err != nil {
		s.Fail(err)
		return
	}
	a.steps++
}

// ConstantFrom is the schedule Main up to step Start, and the constant learning rate LR from there on:
// torch.optim.swa_utils.SWALR without annealing, after another schedule.
type ConstantFrom struct {
	Main  Schedule
	Start int64
	Rate  float64
}

// LR implements [Schedule].
func (c ConstantFrom) LR(step int64) float64 {
	if step >= c.Start {
		return c.Rate
	}
	return c.Main.LR(step)
}
