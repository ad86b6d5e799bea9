package optim

import "depthwise.dev/autograd"

// RMSPropTF is RMSProp in TensorFlow's form, with which MobileNet's authors trained, as implemented
// by timm.optim.RMSpropTF: the average v of the squared gradients starts at one, Eps is inside the
// root and the learning rate inside the momentum:
//
//	g = gradient + WeightDecay*p
//	v = v + (1-Alpha)*(g*g - v)
//	b = Momentum*b + lr*g/sqrt(v + Eps)
//	p = p - b
//
// Centered replaces v + Eps by v - m*m + Eps, m the running mean of g.
type RMSPropTF struct {
	Alpha       float64 // decay of the squared-gradient average
	Eps         float64
	Momentum    float64
	WeightDecay float64
	Centered    bool
}

// DefaultRMSPropTF is what MobileNet's authors used, as in TensorFlow-Slim: an Eps of 1 makes the
// steps as large as SGD's.
func DefaultRMSPropTF() RMSPropTF { return RMSPropTF{Alpha: 0.9, Eps: 1, Momentum: 0.9} }

// NewRMSPropTF returns an optimizer over the parameters.
func NewRMSPropTF(s *autograd.Scope, params []Parameter, options RMSPropTF) Optimizer {
	return newOptimizer(s, params, options)
}

func rmsPropTFFrom(s *autograd.Scope, params []Parameter, h Hyperparameters) Optimizer {
	options := DefaultRMSPropTF()
	options.Momentum, options.WeightDecay = h.Momentum, h.WeightDecay
	return NewRMSPropTF(s, params, options)
}

func (c RMSPropTF) validate() error { return RMSProp(c).validateAs("RMSPropTF") }

func (c RMSPropTF) states() []stateTensor { return RMSProp(c).statesFrom(1) }

func (c RMSPropTF) weightDecay() decay { return decay{rate: c.WeightDecay} }

func (c RMSPropTF) update(s *autograd.Scope, g group, grads autograd.List, at stepInfo) {
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

func (c RMSPropTF) fuse(f *fusion, at stepInfo) {
	square, root := f.state[squareAverage], f.Temporary()
	f.Mul(root, f.grad, f.grad)
	f.Lerp(square, square, root, 1-c.Alpha)
	f.Sqrt(root, RMSProp(c).fuseVariance(f), c.Eps)
	if c.Momentum == 0 {
		f.AddQuotient(f.param, -at.lr, f.grad, root, 1, f.param)
		return
	}
	buffer := f.state[momentumBuffer]
	f.AddQuotient(buffer, at.lr, f.grad, root, c.Momentum, buffer)
	f.AddScaled(f.param, -1, buffer, f.param)
}
