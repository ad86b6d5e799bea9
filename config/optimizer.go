package config

import (
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/internal/validate"
	"depthwise.dev/optim"
)

// OptimizerParameters returns the network's parameters for an optimizer and excludes the configured
// ones from weight decay.
func (c Config) OptimizerParameters(params []backend.Parameter) []optim.Parameter {
	list := make([]optim.Parameter, len(params))
	for i, p := range params {
		list[i] = optim.Parameter{Name: p.Name, Tensor: p.Tensor, NoDecay: slices.Contains(c.NoDecay, string(p.Role))}
	}
	return list
}

// NewOptimizer returns the configured optimizer over the parameters.
func (c Config) NewOptimizer(s *autograd.Scope, params []backend.Parameter) (optim.Optimizer, error) {
	spec, err := optim.FindOptimizer(optim.Optimizers, c.Optimizer)
	if err != nil {
		return nil, validate.OneOf("optimizer", c.Optimizer, Optimizers)
	}
	o := spec.New(s, c.OptimizerParameters(params), optim.Hyperparameters{Momentum: c.Momentum, WeightDecay: c.WeightDecay})
	if err := s.Err(); err != nil {
		return nil, err
	}
	return o, nil
}
