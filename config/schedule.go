package config

import (
	"cmp"
	"fmt"

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
	if err := c.checkDecays(stepsPerEpoch, totalSteps); err != nil {
		return nil, err
	}
	return spec.New(optim.ScheduleOptions{LR: c.LR, StepsPerEpoch: stepsPerEpoch, TotalSteps: totalSteps,
		WarmupEpochs: c.WarmupEpochs, DecayEpochs: c.StepEpochs, Factor: c.Gamma, Plateau: c.plateauOptions()}), nil
}

// maxDecays bounds the decays of the schedule step, which lists them. With any factor below 1, so many
// leave a learning rate of 0.
const maxDecays = 100_000

func (c Config) checkDecays(stepsPerEpoch, totalSteps int64) error {
	if c.Schedule != "step" {
		return nil
	}
	every := cmp.Or(c.StepEpochs, 30) * float64(stepsPerEpoch)
	if decays := float64(totalSteps) / every; decays > maxDecays {
		return validate.Field("step_epochs", fmt.Sprint(cmp.Or(c.StepEpochs, 30)),
			fmt.Sprintf("gives %.3g decays of the learning rate, and at most %d are possible: use a larger value or fewer epochs", decays, maxDecays))
	}
	return nil
}
