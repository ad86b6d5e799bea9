package optim

import "depthwise.dev/autograd"

// RMSPropTF is RMSProp in TensorFlow's form, with which the paper's network was
// trained, as timm.optim.RMSpropTF does it: the square average v starts at one,
// Eps is added inside the root, and the learning rate inside the momentum:
//
//	g = gradient + WeightDecay*p
//	v = v + (1-Alpha)*(g*g - v)
//	b = Momentum*b + lr*g/sqrt(v + Eps)
//	p = p - b
//
// Centered takes sqrt(v - m*m + Eps), m the running mean of g.
type RMSPropTF struct {
	Alpha       float64 // weight of the past squares; the paper's is 0.9
	Eps         float64 // the paper's is 1
	Momentum    float64 // the paper's is 0.9
	WeightDecay float64
	Centered    bool
}

// NewRMSPropTF returns an optimizer over the parameters.
func NewRMSPropTF(s *autograd.Scope, params []Parameter, settings RMSPropTF) Optimizer {
	return newOptimizer(s, params, settings)
}

func (c RMSPropTF) validate() error { return RMSProp(c).validateAs("RMSPropTF") }

func (c RMSPropTF) kept() []kept { return RMSProp(c).keptFrom(1) }

func (c RMSPropTF) weightDecay() decay { return decay{rate: c.WeightDecay} }

func (c RMSPropTF) update(s *autograd.Scope, g group, grads autograd.List, at moment) {
	squares := grads.ZerosLike(s)
	squares.AddProduct(s, grads, grads, 1)
	g.state[squareAverage].Lerp(s, squares, 1-c.Alpha)

	root := RMSProp(c).variance(s, g, grads)
	root.AddScalar(s, c.Eps)
	root.Sqrt(s)

	if c.Momentum == 0 {
		g.params.AddQuotient(s, grads, root, -at.lr)
		return
	}
	buffer := g.state[momentumBuffer]
	buffer.Scale(s, c.Momentum)
	buffer.AddQuotient(s, grads, root, at.lr)
	g.params.AddScaled(s, buffer, -1)
}

func (c RMSPropTF) fused(g group) autograd.UpdateGroup {
	return RMSProp(c).fusedBy(autograd.RMSPropTFUpdate, g)
}
