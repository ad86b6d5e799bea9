package optim

import (
	"errors"
	"fmt"

	"depthwise.dev/autograd"
)

// SGD is stochastic gradient descent as torch.optim.SGD does it:
//
//	g = gradient + WeightDecay*p
//	b = Momentum*b + (1-Dampening)*g      (b = g at the first step)
//	p = p - lr*b                          (p - lr*(g + Momentum*b) with Nesterov)
//
// The zero value is plain gradient descent.
type SGD struct {
	Momentum    float64
	Dampening   float64
	WeightDecay float64
	Nesterov    bool // Sutskever et al. 2013, in the form of torch.optim.SGD
}

const momentumBuffer = "momentum_buffer"

// NewSGD returns an optimizer over the parameters.
func NewSGD(s *autograd.Scope, params []Parameter, settings SGD) Optimizer {
	return newOptimizer(s, params, settings)
}

func (c SGD) validate() error {
	err := errors.Join(
		notNegative("SGD", "momentum", c.Momentum),
		notNegative("SGD", "weight decay", c.WeightDecay))
	if !(c.Dampening >= 0 && c.Dampening <= 1) {
		err = errors.Join(err, fmt.Errorf("optim: SGD: dampening %v: must be 0 to 1", c.Dampening))
	}
	if c.Nesterov && (c.Momentum == 0 || c.Dampening != 0) {
		err = errors.Join(err, errors.New("optim: SGD: Nesterov needs a momentum and no dampening"))
	}
	return err
}

func (c SGD) kept() []kept {
	if c.Momentum == 0 {
		return nil
	}
	return []kept{{name: momentumBuffer}}
}

func (c SGD) weightDecay() decay { return decay{rate: c.WeightDecay} }

func (c SGD) update(s *autograd.Scope, g group, grads autograd.List, at moment) {
	if c.Momentum == 0 {
		g.params.AddScaled(s, grads, -at.lr)
		return
	}
	buffer := g.state[momentumBuffer]
	if at.step == 1 {
		buffer.CopyFrom(s, grads) // PyTorch's first buffer is not dampened
	} else {
		buffer.Scale(s, c.Momentum)
		buffer.AddScaled(s, grads, 1-c.Dampening)
	}
	if !c.Nesterov {
		g.params.AddScaled(s, buffer, -at.lr)
		return
	}
	ahead := grads.Clone(s)
	ahead.AddScaled(s, buffer, c.Momentum)
	g.params.AddScaled(s, ahead, -at.lr)
}

func (c SGD) fused(g group) autograd.UpdateGroup {
	return autograd.UpdateGroup{Momenta: g.state[momentumBuffer],
		UpdateNumbers: autograd.UpdateNumbers{Rule: autograd.SGDUpdate, Momentum: c.Momentum, Dampening: c.Dampening, Nesterov: c.Nesterov}}
}

// notNegative checks a setting that has no upper bound.
func notNegative(optimizer, setting string, v float64) error {
	if !(v >= 0) {
		return fmt.Errorf("optim: %s: %s %v: must not be negative", optimizer, setting, v)
	}
	return nil
}

// share checks a setting that weighs the past against the present.
func share(optimizer, setting string, v float64) error {
	if !(v >= 0 && v < 1) {
		return fmt.Errorf("optim: %s: %s %v: must be at least 0 and below 1", optimizer, setting, v)
	}
	return nil
}
