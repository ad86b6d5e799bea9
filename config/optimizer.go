package config

import (
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/internal/validate"
	"depthwise.dev/optim"
)

// OptimizerParameters returns the parameters of the network that train, for an optimizer: with their
// learning-rate scales, and the configured ones without weight decay.
func (c Config) OptimizerParameters(n *backend.Network) []optim.Parameter {
	scales := c.lrScales(n.Graph)
	var list []optim.Parameter
	for _, p := range n.Trainable() {
		list = append(list, optim.Parameter{Name: p.Name, Tensor: p.Tensor, NoDecay: slices.Contains(c.NoDecay, string(p.Role)), LRScale: scales[p.Name]})
	}
	return list
}

// NewOptimizer returns the configured optimizer over the parameters of the network that train.
func (c Config) NewOptimizer(s *autograd.Scope, n *backend.Network) (optim.Optimizer, error) {
	spec, err := optim.FindOptimizer(optim.Optimizers, c.Optimizer)
	if err != nil {
		return nil, validate.OneOf("optimizer", c.Optimizer, Optimizers)
	}
	o := spec.New(s, c.OptimizerParameters(n), optim.Hyperparameters{Momentum: c.Momentum, WeightDecay: c.WeightDecay})
	if err := s.Err(); err != nil {
		return nil, err
	}
	return o, nil
}
