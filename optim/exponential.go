package optim

import (
	"cmp"
	"errors"
	"fmt"
	"math"
)

// Exponential multiplies the learning rate by Factor every Every steps: TensorFlow's
// exponential_decay with staircase, as MobileNet's authors used it (0.94 every 2.5 epochs).
type Exponential struct {
	Base   float64
	Factor float64
	Every  int64 // steps
	Warmup int64 // steps
}

// LR implements [Schedule].
func (c Exponential) LR(step int64) float64 {
	return warmUp(step, c.Warmup, func(t int64) float64 {
		return c.Base * math.Pow(c.Factor, float64(t/max(1, c.Every)))
	})
}

// Validate reports all invalid fields.
func (c Exponential) Validate() error {
	err := errors.Join(validate(c.Base, c.Warmup), validateFactor(c.Factor))
	if c.Every < 1 {
		err = errors.Join(err, fmt.Errorf("optim: decay every %d steps: must be at least 1", c.Every))
	}
	return err
}

// exponentialFrom has the defaults of MobileNet's authors: 0.94 every 2.5 epochs.
func exponentialFrom(o ScheduleOptions) Schedule {
	every := max(1, o.steps(cmp.Or(o.DecayEpochs, 2.5)))
	return Exponential{Base: o.LR, Factor: cmp.Or(o.Factor, 0.94), Every: every, Warmup: o.warmup(0)}
}
