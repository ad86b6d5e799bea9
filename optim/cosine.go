package optim

import "errors"

// Cosine anneals the learning rate from Base to zero at step Total along half a cosine (Loshchilov
// and Hutter 2017, arXiv:1608.03983, without restarts). It is still above zero at the last step of
// the run, Total-1.
type Cosine struct {
	Base   float64
	Total  int64 // steps of the run, warmup included
	Warmup int64 // steps
}

// LR implements [Schedule].
func (c Cosine) LR(step int64) float64 {
	span := max(1, c.Total-c.Warmup)
	return warmUp(step, c.Warmup, func(t int64) float64 {
		return anneal(c.Base, 0, float64(min(t, span))/float64(span))
	})
}

// Validate reports all invalid fields.
func (c Cosine) Validate() error {
	return errors.Join(validate(c.Base, c.Warmup), validateTotal(c.Total, c.Warmup))
}

// cosineWarmup is the default warmup as a fraction of the run.
const cosineWarmup = 0.05

func cosineFrom(o ScheduleOptions) Schedule {
	return Cosine{Base: o.LR, Total: o.TotalSteps, Warmup: o.warmup(cosineWarmup)}
}
