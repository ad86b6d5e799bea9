package optim

import (
	"errors"
	"fmt"
	"math"
)

// A Schedule gives the learning rate of each optimizer step, counted from 0. It
// is a function of the step alone, so a resumed run continues it exactly.
//
// The schedules of this package share a linear warm-up: steps 0 to Warmup-1 rise
// in equal parts to the first value of the schedule proper, whose own clock
// starts when the warm-up ends (as torchvision's reference training chains
// LinearLR and the main schedule). With Warmup 0 there is none.
type Schedule interface {
	LR(step int64) float64
}

// Constant keeps the learning rate.
type Constant struct {
	Base   float64
	Warmup int64 // steps
}

// LR implements [Schedule].
func (c Constant) LR(step int64) float64 {
	return warmUp(step, c.Warmup, func(int64) float64 { return c.Base })
}

// Validate reports every field that makes no schedule.
func (c Constant) Validate() error { return validate(c.Base, c.Warmup) }

// Step multiplies the learning rate by Factor at each milestone, PyTorch's MultiStepLR.
type Step struct {
	Base       float64
	Factor     float64
	Milestones []int64 // steps after the warm-up, in any order
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

// Validate reports every field that makes no schedule.
func (c Step) Validate() error {
	err := errors.Join(validate(c.Base, c.Warmup), validateFactor(c.Factor))
	for _, m := range c.Milestones {
		if m < 1 {
			err = errors.Join(err, fmt.Errorf("optim: milestone at step %d: must be at least 1", m))
		}
	}
	return err
}

// Exponential multiplies the learning rate by Factor every Every steps: TensorFlow's
// exponential_decay with staircase, in which the paper's network was trained
// (0.94 every 2.5 epochs; the caller turns epochs into steps).
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

// Validate reports every field that makes no schedule.
func (c Exponential) Validate() error {
	err := errors.Join(validate(c.Base, c.Warmup), validateFactor(c.Factor))
	if c.Every < 1 {
		err = errors.Join(err, fmt.Errorf("optim: decay every %d steps: must be at least 1", c.Every))
	}
	return err
}

// Cosine falls from Base to zero at step Total along half a cosine (Loshchilov
// and Hutter 2017, arXiv:1608.03983, without restarts). The last step of the
// run, Total-1, still has a little.
type Cosine struct {
	Base   float64
	Total  int64 // steps of the run, warm-up included
	Warmup int64 // steps
}

// LR implements [Schedule].
func (c Cosine) LR(step int64) float64 {
	span := max(1, c.Total-c.Warmup)
	return warmUp(step, c.Warmup, func(t int64) float64 {
		return anneal(c.Base, 0, float64(min(t, span))/float64(span))
	})
}

// Validate reports every field that makes no schedule.
func (c Cosine) Validate() error {
	return errors.Join(validate(c.Base, c.Warmup), validateTotal(c.Total, c.Warmup))
}

// warmUp is the learning rate of a step: main at steps since the warm-up ended,
// or the linear rise to main(0) before. The last step of the rise has main(0) too.
func warmUp(step, warmup int64, main func(t int64) float64) float64 {
	step = max(0, step)
	if step < warmup {
		return main(0) * (float64(step+1) / float64(warmup))
	}
	return main(step - max(0, warmup))
}

// anneal goes from start at part 0 to end at part 1 along half a cosine.
func anneal(start, end, part float64) float64 {
	return end + (start-end)/2*(math.Cos(math.Pi*part)+1)
}

func validate(base float64, warmup int64) error {
	var errs []error
	if !(base > 0) || math.IsInf(base, 1) {
		errs = append(errs, fmt.Errorf("optim: learning rate %v: must be above 0 and finite", base))
	}
	if warmup < 0 {
		errs = append(errs, fmt.Errorf("optim: warm-up of %d steps: must not be negative", warmup))
	}
	return errors.Join(errs...)
}

func validateFactor(factor float64) error {
	if !(factor > 0 && factor <= 1) {
		return fmt.Errorf("optim: decay factor %v: must be above 0 and at most 1", factor)
	}
	return nil
}

func validateTotal(total, warmup int64) error {
	if total <= warmup {
		return fmt.Errorf("optim: %d steps in all with a warm-up of %d: the warm-up must be shorter", total, warmup)
	}
	return nil
}
