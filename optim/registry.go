package optim

import (
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/internal/suggest"
)

// Hyperparameters are those that a run's configuration sets for any optimizer. The others have the defaults of the
// optimizer's file.
type Hyperparameters struct {
	Momentum    float64 // decay of the gradient's moving average: momentum, or beta1; 0: none
	WeightDecay float64
}

// An OptimizerSpec is a row of the registry.
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

// FindOptimizer returns the row with a name. The error for an unknown name suggests the closest.
func FindOptimizer(rows []OptimizerSpec, name string) (OptimizerSpec, error) {
	for _, row := range rows {
		if row.Name == name {
			return row, nil
		}
	}
	return OptimizerSpec{}, fmt.Errorf("optim: no optimizer %q: %s", name, suggest.OneOf(name, OptimizerNames(rows)))
}

// OptimizerNames lists the names of the rows.
func OptimizerNames(rows []OptimizerSpec) []string {
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.Name
	}
	return names
}
