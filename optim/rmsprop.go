package optim

import (
	"errors"

	"depthwise.dev/autograd"
)

// RMSProp (Hinton 2012, lecture 6 of Neural Networks for Machine Learning) as implemented by
// torch.optim.RMSprop: the average v of the squared gradients starts at zero, Eps is outside the
// root and the learning rate outside the momentum:
//
//	g = gradient + WeightDecay*p
//	v = Alpha*v + (1-Alpha)*g*g
//	b = Momentum*b + g/(sqrt(v) + Eps)
//	p = p - lr*b
//
// Centered replaces sqrt(v) by sqrt(v - m*m), m the running mean of g (Graves 2013,
// arXiv:1308.0850).
type RMSProp struct {
	Alpha       float64 // decay of the squared-gradient average
	Eps         float64
	Momentum    float64
	WeightDecay float64
	Centered    bool
}

const (
	squareAverage   = "square_avg"
	gradientAverage = "grad_avg"
)

// DefaultRMSProp is torch.optim.RMSprop's default.
func DefaultRMSProp() RMSProp { return RMSProp{Alpha: 0.99, Eps: 1e-8} }

// NewRMSProp returns an optimizer over the parameters.
func NewRMSProp(s *autograd.Scope, params []Parameter, options RMSProp) Optimizer {
	return newOptimizer(s, params, options)
}

func rmsPropFrom(s *autograd.Scope, params []Parameter, h Hyperparameters) Optimizer {
	options := DefaultRMSProp()
	options.Momentum, options.WeightDecay = h.Momentum, h.WeightDecay
	return NewRMSProp(s, params, options)
}

func (c RMSProp) validate() error { return c.validateAs("RMSProp") }

// validateAs is validate for both forms of RMSProp.
func (c RMSProp) validateAs(name string) error {
	return errors.Join(
		decayRate(name, "alpha", c.Alpha),
		notNegative(name, "eps", c.Eps),
		notNegative(name, "momentum", c.Momentum),
		notNegative(name, "weight decay", c.WeightDecay))
}

func (c RMSProp) states() []stateTensor { return c.statesFrom(0) }

// statesFrom is states for both forms of RMSProp: square is the initial squared-gradient average.
func (c RMSProp) statesFrom(square float64) []stateTensor {
	list := []stateTensor{{name: squareAverage, value: square}}
	if c.Centered {
		list = append(list, stateTensor{name: gradientAverage})
	}
	if c.Momentum > 0 {
		list = append(list, stateTensor{name: momentumBuffer})
	}
	return list
}

func (c RMSProp) weightDecay() decay { return decay{rate: c.WeightDecay} }

func (c RMSProp) update(s *autograd.Scope, g group, grads autograd.List, at stepInfo) {
	square := g.state[squareAverage]
	square.Scale(s, c.Alpha)
	square.AddProduct(s, grads, grads, 1-c.Alpha)

	root := c.variance(s, g, grads)
	root.Sqrt(s)
	root.AddScalar(s, c.Eps)

	if c.Momentum == 0 {
		g.params.AddQuotient(s, grads, root, -at.lr)
		return
	}
	buffer := g.state[momentumBuffer]
	buffer.Scale(s, c.Momentum)
	buffer.AddQuotient(s, grads, root, 1)
	g.params.AddScaled(s, buffer, -at.lr)
}

// variance is a copy of the updated squared-gradient average, minus the square of the updated mean
// if centered.
func (c RMSProp) variance(s *autograd.Scope, g group, grads autograd.List) autograd.List {
	variance := g.state[squareAverage].Clone(s)
	if c.Centered {
		mean := g.state[gradientAverage]
		mean.Lerp(s, grads, 1-c.Alpha)
		variance.AddProduct(s, mean, mean, -1)
	}
	return variance
}

func (c RMSProp) fuse(f *fusion, at stepInfo) {
	square, root := f.state[squareAverage], f.Temporary()
	f.AddProduct(square, 1-c.Alpha, f.grad, f.grad, c.Alpha, square)
	f.AffineSqrt(root, 1, c.fuseVariance(f), c.Eps)
	if c.Momentum == 0 {
		f.Quotient(root, 1, f.grad, root)
		f.AddScaled(f.param, -at.lr, root, f.param)
		return
	}
	buffer := f.state[momentumBuffer]
	f.AddQuotient(buffer, 1, f.grad, root, c.Momentum, buffer)
	f.AddScaled(f.param, -at.lr, buffer, f.param)
}

// fuseVariance is variance in a program, without the copy.
func (c RMSProp) fuseVariance(f *fusion) autograd.UpdateOperand {
	square := f.state[squareAverage]
	if !c.Centered {
		return square
	}
	mean, variance := f.state[gradientAverage], f.Temporary()
	f.Lerp(mean, mean, f.grad, 1-c.Alpha)
	f.AddProduct(variance, -1, mean, mean, 1, square)
	return variance
}
