package config

import (
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/internal/validate"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/optim"
)

// NewOptimizer returns the configured optimizer over the parameters. Hyperparameters that Config
// does not hold are PyTorch's defaults, those of rmsprop_tf TensorFlow-slim's.
func (c Config) NewOptimizer(s *autograd.Scope, params []mobilenet.Parameter) (optim.Optimizer, error) {
	list := make([]optim.Parameter, len(params))
	for i, p := range params {
		list[i] = optim.Parameter{Name: p.Name, Tensor: p.Tensor, NoDecay: slices.Contains(c.NoDecay, string(p.Role))}
	}
	var o optim.Optimizer
	switch c.Optimizer {
	case "sgd":
		o = optim.NewSGD(s, list, optim.SGD{Momentum: c.Momentum, WeightDecay: c.WeightDecay})
	case "rmsprop":
		o = optim.NewRMSProp(s, list, optim.RMSProp{Alpha: 0.99, Eps: 1e-8, Momentum: c.Momentum, WeightDecay: c.WeightDecay})
	case "rmsprop_tf":
		o = optim.NewRMSPropTF(s, list, optim.RMSPropTF{Alpha: 0.9, Eps: 1, Momentum: c.Momentum, WeightDecay: c.WeightDecay})
	case "adamw":
		o = optim.NewAdamW(s, list, optim.AdamW{Beta1: c.Momentum, Beta2: 0.999, Eps: 1e-8, WeightDecay: c.WeightDecay})
	default:
		return nil, validate.OneOf("optimizer", c.Optimizer, Optimizers)
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	return o, nil
}
