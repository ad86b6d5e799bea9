package optim

import (
	"cmp"
	"errors"
	"fmt"
	"math"
)

// Step multiplies the learning rate by Factor at each milestone, as
// torch.optim.lr_scheduler.MultiStepLR.
type Step struct {
	Base       float64
	Factor     float64
	Milestones []int64 // steps after the warmup, in any order
	Warmup     int64   // steps
}

// LR implements [Schedule].
func (c Step) LR(step int64) float64 {
	return warmUp(step, c.Warmup, func(t int64) float64 {
		passed := 0
		for _, m := range c.Milestones {
			if t >= m {
				passed++
			}
		}
		return c.Base * math.Pow(c.Factor, float64(passed))
	})
}

// Validate reports all invalid fields.
func (c Step) Validate() error {
	err := errors.Join(validate(c.Base, c.Warmup), validateFactor(c.Factor))
	for _, m := range c.Milestones {
		if m < 1 {
			err = errors.Join(err, fmt.Errorf("optim: milestone at step %d: must be at least 1", m))
		}
	}
	return err
}

// stepFrom drops to a tenth every 30 epochs by default (He et al. 2016, arXiv:1512.03385;
// torchvision).
func stepFrom(o ScheduleOptions) Schedule {
	every := cmp.Or(o.DecayEpochs, 30) * float64(o.StepsPerEpoch)
	return Step{Base: o.LR, Factor: cmp.Or(o.Factor, 0.1), Milestones: multiples(every, o.TotalSteps), Warmup: o.warmup(0)}
}

// multiples lists every, 2*every, ... below end, rounded.
func multiples(every float64, end int64) []int64 {
	var list []int64
	for i := 1; ; i++ {
		m := max(1, int64(math.Round(float64(i)*every)))
		if m >= end {
			return list
		}
		list = append(list, m)
	}
}
