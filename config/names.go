package config

import (
	"depthwise.dev/data"
	"depthwise.dev/internal/datasource"
	"depthwise.dev/optim"
)

// The values of named settings, in the order in which messages list them.
var (
	Optimizers = optim.OptimizerNames(optim.Optimizers)
	Schedules  = optim.ScheduleNames(optim.Schedules)
	Augments   = []string{"none", "basic", "randaug", "trivial"}
	Fits       = []string{"crop", "letterbox", "pad"}
	Decodes    = []string{data.DecodeExact, data.DecodeFast}
	Progresses = []string{"auto", "bar", "plain", "json", "none"}
	NoDecays   = []string{"depthwise", "norm", "bias"}
)

// MNIST is the value of Config.Data for the MNIST data set.
const MNIST = datasource.MNIST

// CustomArch is the arch in the configuration of a run whose network was built by its program, see
// train.Trainer.
const CustomArch = "custom"
