package optim

import (
	"errors"
	"fmt"
	"math"
)

// A Schedule gives the learning rate of each optimizer step, counted from 0. It depends on the step
// alone, so a resumed run continues it exactly; [Plateau] is the exception.
//
// The schedules of this package share a linear warmup: the learning rate rises in equal parts from
// step 0 to Warmup-1, up to the first value of the main schedule, which starts after the warmup
// (torchvision's reference training chains LinearLR and the main schedule in the same way). Warmup
// 0 means no warmup.
type Schedule interface {
	LR(step int64) float64
}

// ScheduleOptions are the settings of a run that affect its schedule.
type ScheduleOptions struct {
	LR            float64
	StepsPerEpoch int64
	TotalSteps    int64   // of the run
	WarmupEpochs  float64 // negative: the schedule's default
	DecayEpochs   float64 // epochs between decays, of schedules that have them; 0: the schedule's default
	Factor        float64 // of each decay; 0: the schedule's default
	Plateau       PlateauOptions
}

// steps converts epochs to steps.
func (o ScheduleOptions) steps(epochs float64) int64 {
	return int64(math.Round(epochs * float64(o.StepsPerEpoch)))
}

// warmup is the number of warmup steps; fraction is the default, as a fraction of the run. It is
// shorter than the run, which may end before WarmupEpochs.
func (o ScheduleOptions) warmup(fraction float64) int64 {
	steps := o.steps(o.WarmupEpochs)
	if o.WarmupEpochs < 0 {
		steps = int64(math.Round(fraction * float64(o.TotalSteps)))
	}
	return max(0, min(steps, o.TotalSteps-1))
}

// warmUp is the learning rate of a step: main, counted from the end of the warmup, or the linear
// rise to main(0) before. The last step of the warmup has main(0) too.
func warmUp(step, warmup int64, main func(t int64) float64) float64 {
	step = max(0, step)
	if step < warmup {
		return main(0) * (float64(step+1) / float64(warmup))
	}
	return main(step - max(0, warmup))
}

// anneal interpolates from start at part 0 to end at part 1 along half a cosine.
func anneal(start, end, part float64) float64 {
	return end + (start-end)/2*(math.Cos(math.Pi*part)+1)
}

func validate(base float64, warmup int64) error {
	var errs []error
	if !(base > 0) || math.IsInf(base, 1) {
		errs = append(errs, fmt.Errorf("optim: learning rate %v: must be above 0 and finite", base))
	}
	if warmup < 0 {
		errs = append(errs, fmt.Errorf("optim: warmup of %d steps: must not be negative", warmup))
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
		return fmt.Errorf("optim: %d steps with a warmup of %d: the warmup must be shorter", total, warmup)
	}
	return nil
}
