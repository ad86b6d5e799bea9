package optim

import (
	"errors"
	"fmt"

	"depthwise.dev/autograd"
)

// SGD is stochastic gradient descent with momentum (Sutskever et al. 2013), as implemented by
// torch.optim.SGD:
//
//	g = gradient + WeightDecay*p
//	b = Momentum*b + (1-Dampening)*g      (b = g at the first step)
//	p = p - lr*b                          (p - lr*(g + Momentum*b) with Nesterov)
//
// The zero value is gradient descent without momentum.
type SGD struct {
	Momentum    float64
	Dampening   float64
	WeightDecay float64
	Nesterov    bool // Nesterov's momentum in the form of torch.optim.SGD
}

const momentumBuffer = "momentum_buffer"

// NewSGD returns an optimizer over the parameters.
func NewSGD(s *autograd.Scope, params []Parameter, options SGD) Optimizer {
	return newOptimizer(s, params, options)
}

func sgdFrom(s *autograd.Scope, params []Parameter, h Hyperparameters) Optimizer {
	return NewSGD(s, params, SGD{Momentum: h.Momentum, WeightDecay: h.WeightDecay})
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

func (c SGD) states() []stateTensor {
	if c.Momentum == 0 {
		return nil
	}
	return []stateTensor{{name: momentumBuffer}}
}

func (c SGD) weightDecay() decay { return decay{rate: c.WeightDecay} }

func (c SGD) update(s *autograd.Scope, g group, grads autograd.List, at stepInfo) {
	if c.Momentum == 0 {
		g.params.AddScaled(s, grads, -at.lr)
		return
	}
	buffer := g.state[momentumBuffer]
	if n := at.performed(s); n != nil {
		buffer.Scale(s, c.Momentum)
		buffer.AddScaled(s, c.dampedOnDevice(s, grads, n), 1)
	} else if at.step == 1 {
		buffer.CopyFrom(s, grads) // PyTorch does not dampen the first one
	} else {
		buffer.Scale(s, c.Momentum)
		buffer.AddScaled(s, grads, 1-c.Dampening)
	}
	if !c.Nesterov {
		g.params.AddScaled(s, buffer, -at.lr)
		return
	}
	step := grads.Clone(s)
	step.AddScaled(s, buffer, c.Momentum)
	g.params.AddScaled(s, step, -at.lr)
}

// dampedOnDevice returns the dampened gradients of update n, a scalar on the device; of the first one they are as they are.
func (c SGD) dampedOnDevice(s *autograd.Scope, grads autograd.List, n *autograd.Tensor) autograd.List {
	if c.Dampening == 0 {
		return grads
	}
	isFirst := s.Exp(s.Scale(s.AddScalar(n, -1), -1e3)) // exp(0) is 1, and exp(-1000) is 0 in float64
	factor := s.AddScalar(s.Scale(isFirst, c.Dampening), 1-c.Dampening)
	return grads.Times(s, s.To(factor, grads[0].DType()))
}

func (c SGD) fuse(f *fusion, at stepInfo) {
	if c.Momentum == 0 {
		f.AddScaled(f.param, -at.lr, f.grad, f.param)
		return
	}
	buffer := f.state[momentumBuffer]
	switch {
	case at.step == 1:
		f.Scale(buffer, 1, f.grad)
	case c.Dampening == 0:
		f.AddScaled(buffer, c.Momentum, buffer, f.grad)
	default:
		f.SumScaled(buffer, c.Momentum, buffer, 1-c.Dampening, f.grad)
	}
	step := buffer
	if c.Nesterov {
		step = f.Temporary()
		f.AddScaled(step, c.Momentum, buffer, f.grad)
	}
	f.AddScaled(f.param, -at.lr, step, f.param)
}
