package optim

import (
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/internal/suggest"
)

// Hyperparameters are those that a run's configuration sets for any optimizer. The others have the
// defaults of the optimizer's file.
type Hyperparameters struct {
	Momentum    float64 // decay of the gradient's moving average: momentum, or beta1; 0: none
	WeightDecay float64
}

// An OptimizerSpec is a row of the registry of optimizers.
type OptimizerSpec struct {
	Name  string
	About string  // one line
	LR    float64 // default learning rate
	New   func(*autograd.Scope, []Parameter, Hyperparameters) Optimizer
}

// Optimizers is the registry, in the order in which messages list it.
var Optimizers = []OptimizerSpec{
	{"sgd", "stochastic gradient descent with momentum", 0.05, sgdFrom},
	// Momentum 0.9 makes its steps ten times AdamW's.
	{"rmsprop", "RMSProp in PyTorch's form", 1e-4, rmsPropFrom},
	// The learning rate of MobileNet's authors; Eps 1 makes its steps as large as SGD's.
	{"rmsprop_tf", "RMSProp in TensorFlow's form, which MobileNet's authors used", 0.045, rmsPropTFFrom},
	// The learning rate is PyTorch's default.
	{"adamw", "Adam with decoupled weight decay", 1e-3, adamWFrom},
}

// A ScheduleSpec is a row of the registry of schedules.
type ScheduleSpec struct {
	Name  string
	About string // one line
	New   func(ScheduleOptions) Schedule
}

// Schedules is the registry, in the order in which messages list it.
var Schedules = []ScheduleSpec{
	{"constant", "constant learning rate", constantFrom},
	{"step", "multiplied by a factor at intervals, 0.1 every 30 epochs", stepFrom},
	{"exp", "exponential decay in steps, 0.94 every 2.5 epochs", exponentialFrom},
	{"cosine", "half a cosine to zero, after a warmup of 5 % of the run", cosineFrom},
	{"onecycle", "rises for 30 % of the run, then falls to nearly zero", oneCycleFrom},
	{"plateau", "multiplied by a factor when validation does not improve, 0.1 after 10 epochs", plateauFrom},
}

// FindOptimizer returns the row with a name. The error for an unknown name suggests the closest.
func FindOptimizer(rows []OptimizerSpec, name string) (OptimizerSpec, error) {
	return find("optimizer", rows, OptimizerSpec.name, name)
}

// FindSchedule returns the row with a name. The error for an unknown name suggests the closest.
func FindSchedule(rows []ScheduleSpec, name string) (ScheduleSpec, error) {
	return find("schedule", rows, ScheduleSpec.name, name)
}

// OptimizerNames lists the names of the rows.
func OptimizerNames(rows []OptimizerSpec) []string { return names(rows, OptimizerSpec.name) }

// ScheduleNames lists the names of the rows.
func ScheduleNames(rows []ScheduleSpec) []string { return names(rows, ScheduleSpec.name) }

func (r OptimizerSpec) name() string { return r.Name }
func (r ScheduleSpec) name() string  { return r.Name }

func find[Row any](kind string, rows []Row, nameOf func(Row) string, name string) (row Row, err error) {
	for _, r := range rows {
		if nameOf(r) == name {
			return r, nil
		}
	}
	return row, fmt.Errorf("optim: no %s %q: %s", kind, name, suggest.OneOf(name, names(rows, nameOf)))
}

func names[Row any](rows []Row, nameOf func(Row) string) []string {
	list := make([]string, len(rows))
	for i, r := range rows {
		list[i] = nameOf(r)
	}
	return list
}
