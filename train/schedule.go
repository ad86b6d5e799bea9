package train

import (
	"depthwise.dev/config"
	"depthwise.dev/optim"
)

// setSchedule makes the schedule of a run of totalSteps.
func (r *run) setSchedule() error {
	s, err := r.newSchedule(r.config, r.totalSteps)
	if err != nil {
		return err
	}
	r.schedule, r.plateau = s, plateauOf(s)
	return nil
}

// plateauOf returns the schedule that observes the validation, nil if there is none.
func plateauOf(s optim.Schedule) *optim.Plateau {
	switch s := s.(type) {
	case *optim.Plateau:
		return s
	case optim.ConstantFrom:
		return plateauOf(s.Main)
	}
	return nil
}

// newSchedule returns the schedule of a run of that many steps: the configured one, with the state of this run, and then
// the constant learning rate of weight averaging.
func (r *run) newSchedule(c config.Config, total int64) (optim.Schedule, error) {
	length := total
	if c.Time > 0 {
		length = r.scheduleLength(total)
	}
	s, err := c.NewSchedule(r.stepsPerEpoch, length)
	if err != nil {
		return nil, err
	}
	if p := plateauOf(s); p != nil && r.Plateau != nil {
		p.SetState(*r.Plateau)
	}
	if b := r.Budget; b != nil && b.planned() && optim.SpansRun(s) {
		s = optim.Stretched{Main: s, Length: b.Length, From: b.From, At: b.At, Total: b.Steps}
	}
	if c.SWAEpochs > 0 {
		s = optim.ConstantFrom{Main: s, Start: swaStart(c.SWAEpochs, total, r.stepsPerEpoch), Rate: c.SWARate()}
	}
	return s, nil
}

// epochs is the number of epochs of the run, 0 while that of a time limit is not known.
func (r *run) epochs() int {
	if r.config.Time == 0 {
		return r.config.Epochs
	}
	if r.Budget == nil || !r.Budget.planned() {
		return 0
	}
	return int((r.totalSteps + r.stepsPerEpoch - 1) / r.stepsPerEpoch)
}
