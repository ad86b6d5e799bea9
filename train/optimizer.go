package train

import (
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/optim"
)

// NewOptimizer returns the configured optimizer over the parameters.
func (c Config) NewOptimizer(s *autograd.Scope, params []mobilenet.Parameter) (optim.Optimizer, error) {
	list := make([]optim.Parameter, len(params))
	for i, p := range params {
		list[i] = optim.Parameter{Name: p.Name, Tensor: p.Tensor, NoDecay: slices.Contains(c.NoDecay, string(p.Role))}
	}
	spec, err := optim.FindOptimizer(optim.Optimizers, c.Optimizer)
	if err != nil {
		return nil, wrong("optimizer", c.Optimizer, oneOf(c.Optimizer, Optimizers))
	}
	o := spec.New(s, list, optim.Hyperparameters{Momentum: c.Momentum, WeightDecay: c.WeightDecay})
	if err := s.Err(); err != nil {
		return nil, err
	}
	return o, nil
}
