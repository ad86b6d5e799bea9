package optim

import (
	"errors"

	"depthwise.dev/autograd"
)

// RMSProp is Hinton's (lecture 6 of his course) in the form of
// torch.optim.RMSprop: the square average v starts at zero, Eps is added outside
// the root, and the learning rate outside the momentum:
//
//	g = gradient + WeightDecay*p
//	v = Alpha*v + (1-Alpha)*g*g
//	b = Momentum*b + g/(sqrt(v) + Eps)
//	p = p - lr*b
//
// Centered takes sqrt(v - m*m), m the running mean of g (Graves 2013,
// arXiv:1308.0850).
type RMSProp struct {
	Alpha       float64 // weight of the past squares; PyTorch's default is 0.99
	Eps         float64 // PyTorch's default is 1e-8
	Momentum    float64
	WeightDecay float64
	Centered    bool
}

const (
	squareAverage   = "square_avg"
	gradientAverage = "grad_avg"
)

// NewRMSProp returns an optimizer over the parameters.
func NewRMSProp(s *autograd.Scope, params []Parameter, settings RMSProp) Optimizer {
	return newOptimizer(s, params, settings)
}

func (c RMSProp) validate() error { return c.validateAs("RMSProp") }

func (c RMSProp) validateAs(name string) error {
	return errors.Join(
		share(name, "alpha", c.Alpha),
		notNegative(name, "eps", c.Eps),
		notNegative(name, "momentum", c.Momentum),
		notNegative(name, "weight decay", c.WeightDecay))
}

func (c RMSProp) kept() []kept { return c.keptFrom(0) }

// keptFrom lists what both forms keep, with the square average's first value.
func (c RMSProp) keptFrom(square float64) []kept {
	list := []kept{{name: squareAverage, value: square}}
	if c.Centered {
		list = append(list, kept{name: gradientAverage})
	}
	if c.Momentum > 0 {
		list = append(list, kept{name: momentumBuffer})
	}
	return list
}

func (c RMSProp) weightDecay() decay { return decay{rate: c.WeightDecay} }

func (c RMSProp) update(s *autograd.Scope, g group, grads autograd.List, at moment) {
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

// variance is a copy of the updated square average, less the square of the
// updated mean when centered.
func (c RMSProp) variance(s *autograd.Scope, g group, grads autograd.List) autograd.List {
	variance := g.state[squareAverage].Clone(s)
	if c.Centered {
		mean := g.state[gradientAverage]
		mean.Lerp(s, grads, 1-c.Alpha)
		variance.AddProduct(s, mean, mean, -1)
	}
	return variance
}

func (c RMSProp) fused(g group) autograd.UpdateGroup {
	return c.fusedBy(autograd.RMSPropUpdate, g)
}

// fusedBy is fused of both forms.
func (c RMSProp) fusedBy(rule autograd.UpdateRule, g group) autograd.UpdateGroup {
	return autograd.UpdateGroup{Momenta: g.state[momentumBuffer], Squares: g.state[squareAverage], Means: g.state[gradientAverage],
		UpdateNumbers: autograd.UpdateNumbers{Rule: rule, Momentum: c.Momentum, Past: c.Alpha, Eps: c.Eps}}
}
