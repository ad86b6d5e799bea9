package train

import (
	"errors"
	"fmt"
	"math"

	"depthwise.dev/config"
	"depthwise.dev/optim"
	"depthwise.dev/report"
)

// monitored returns the value of an epoch that Monitor names, of the weights or of their average, whichever is better;
// NaN without a validation whose loss is finite.
func monitored(monitor string, e report.Epoch) float64 {
	value := math.NaN()
	if e.ValImages == 0 {
		return value
	}
	consider := func(loss, top1 float64) {
		switch {
		case math.IsNaN(loss) || math.IsInf(loss, 0):
		case monitor == config.MonitorLoss && !(loss >= value): // also if value is NaN
			value = loss
		case monitor == config.MonitorTop1 && !(top1 <= value):
			value = top1
		}
	}
	consider(e.ValLoss, e.ValTop1)
	if e.Averaged {
		consider(e.EMAValLoss, e.EMAValTop1)
	}
	return value
}

// describeMonitor names what Monitor observes.
func describeMonitor(monitor string) string {
	if monitor == config.MonitorLoss {
		return "val loss"
	}
	return "val top-1"
}

// observe gives the result of an epoch, which r.Epoch counts already, to the schedule plateau and to early stopping.
func (r *run) observe(e report.Epoch) error {
	value := monitored(r.config.Monitor, e)
	return errors.Join(r.observePlateau(value), r.observePatience(value))
}

// observePlateau reduces the learning rate of the schedule plateau if it is due. The warmup does not count, as in timm.
func (r *run) observePlateau(value float64) error {
	p := r.plateau
	if p == nil || r.Step < optim.WarmupSteps(r.schedule) {
		return nil
	}
	before := p.State().LR
	p.Observe(value)
	state := p.State()
	r.Plateau = &state
	if state.LR == before {
		return nil
	}
	return r.note(report.Info, fmt.Sprintf("epoch %d: %s has not improved for %d epochs: the learning rate falls from %.3g to %.3g", r.Epoch, describeMonitor(r.config.Monitor), p.Patience+1, before, state.LR))
}
