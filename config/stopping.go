package config

import (
	"math"

	"depthwise.dev/optim"
)

// Values of Monitor.
const (
	MonitorTop1 = "top1"
	MonitorLoss = "loss"
)

// Monitors are the values of Monitor.
var Monitors = []string{MonitorTop1, MonitorLoss}

// Plateau is the name of the schedule that observes the validation.
const Plateau = "plateau"

func (v *collector) stopping(c Config) {
	v.Check(c.Time >= 0, "time", c.Time, "must be a duration such as 2h, or 0 for a run of epochs")
	v.Check(c.StopAfter >= 0, "stop_after", c.StopAfter, "must be a duration such as 2h, or 0 for no limit")
	v.Check(c.Patience >= 0 && c.Patience <= MaxCount, "patience", c.Patience, "must be a number of epochs, or 0 to train all epochs")
	v.Within("min_delta", c.MinDelta, 0, math.MaxFloat64, "must be at least 0, such as 0.001 for 0.1 % top-1")
	v.OneOf("monitor", c.Monitor, Monitors)
}

func (v *collector) plateau(c Config) {
	v.Check(c.PlateauPatience >= 0 && c.PlateauPatience <= MaxCount, "plateau_patience", c.PlateauPatience, "must be a number of epochs")
	v.Check(c.PlateauCooldown >= 0 && c.PlateauCooldown <= MaxCount, "plateau_cooldown", c.PlateauCooldown, "must be a number of epochs")
	v.Within("plateau_threshold", c.PlateauThreshold, 0, 1, "must be a relative change from 0 to 1, such as 0.0001")
	v.Within("plateau_min_lr", c.PlateauMinLR, 0, math.MaxFloat64, "must be at least 0")
}

// plateauOptions are the options of the schedule plateau.
func (c Config) plateauOptions() optim.PlateauOptions {
	return optim.PlateauOptions{Patience: c.PlateauPatience, Threshold: c.PlateauThreshold, Cooldown: c.PlateauCooldown, MinLR: c.PlateauMinLR,
		Maximize: c.Monitor == MonitorTop1}
}
