package optim

import "errors"

// Defaults of torch.optim.lr_scheduler.OneCycleLR.
const (
	oneCycleRise     = 0.3 // pct_start: fraction of the steps in which the learning rate rises
	oneCycleDiv      = 25  // div_factor: the first learning rate is Max/25
	oneCycleFinalDiv = 1e4 // final_div_factor: the last is 1/10000 of the first
)

// OneCycle rises from Max/25 to Max in the first 30 % of the run and falls to Max/250000 at its
// last step, both along half a cosine: torch.optim.lr_scheduler.OneCycleLR with its defaults and
// without cycle_momentum (Smith and Topin 2018, arXiv:1708.07120). It includes a warmup; Warmup
// adds a linear one before it.
type OneCycle struct {
	Max    float64
	Total  int64 // steps of the run, warmup included
	Warmup int64 // steps
}

// LR implements [Schedule].
func (c OneCycle) LR(step int64) float64 {
	return warmUp(step, c.Warmup, func(t int64) float64 {
		first := c.Max / oneCycleDiv
		last := first / oneCycleFinalDiv
		// Steps counted from 0; the peak need not fall on a step.
		end := float64(max(1, c.Total-c.Warmup)) - 1
		peak := oneCycleRise*(end+1) - 1
		now := min(float64(t), end)
		if now <= peak {
			return anneal(first, c.Max, now/peak)
		}
		// In runs of up to three steps the peak is before the first.
		return anneal(c.Max, last, (now-peak)/(end-peak))
	})
}

// Validate reports all invalid fields.
func (c OneCycle) Validate() error {
	return errors.Join(validate(c.Max, c.Warmup), validateTotal(c.Total, c.Warmup))
}

func oneCycleFrom(o ScheduleOptions) Schedule {
	return OneCycle{Max: o.LR, Total: o.TotalSteps, Warmup: o.warmup(0)}
}
