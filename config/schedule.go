package config

import (
	"depthwise.dev/internal/validate"
	"depthwise.dev/optim"
)

// NewSchedule returns the learning-rate schedule of a run of totalSteps, with stepsPerEpoch steps
// per epoch.
func (c Config) NewSchedule(stepsPerEpoch, totalSteps int64) (optim.Schedule, error) {
	spec, err := optim.FindSchedule(optim.Schedules, c.Schedule)
	if err != nil {
		return nil, validate.OneOf("schedule", c.Schedule, Schedules)
	}
	return spec.New(optim.ScheduleOptions{LR: c.LR, StepsPerEpoch: stepsPerEpoch, TotalSteps: totalSteps,
		WarmupEpochs: c.WarmupEpochs, DecayEpochs: c.StepEpochs, Factor: c.Gamma}), nil
}
