package train

import (
	"errors"
	"fmt"
	"math"

	"depthwise.dev/config"
	"depthwise.dev/optim"
	"depthwise.dev/report"
)

// monitored returns the value of an epoch that Monitor names (top1 is mAP of multi-label data), of the weights or of their average, whichever is better;
// NaN without a validation whose loss is finite.
func monitored(monitor string, multiLabel bool, e report.Epoch) float64 {
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
	top1, average := e.ValTop1, e.EMAValTop1
	if multiLabel {
		top1, average = e.ValMAP, e.EMAValMAP
	}
	consider(e.ValLoss, top1)
	if e.Averaged {
		consider(e.EMAValLoss, average)
	}
	return value
}

// describeMonitor names what Monitor observes.
func (r *run) describeMonitor() string {
	switch {
	case r.config.Monitor == config.MonitorLoss:
		return "val loss"
	case r.multiLabel():
		return "val mAP"
	}
	return "val top-1"
}

// observe gives the result of an epoch, which r.Epoch counts already, to the schedule plateau and to early stopping.
func (r *run) observe(e report.Epoch) error {
	value := monitored(r.config.Monitor, r.multiLabel(), e)
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
	return r.note(report.Info, fmt.Sprintf("epoch %d: %s has not improved for %d epochs: the learning rate falls from %.3g to %.3g", r.Epoch, r.describeMonitor(), p.Patience+1, before*r.lrFactor(r.Step), state.LR*r.lrFactor(r.Step)))
}
