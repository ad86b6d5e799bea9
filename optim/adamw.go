package optim

import (
	"errors"
	"math"

	"depthwise.dev/autograd"
)

// AdamW is Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101), in the
// order of operations of torch.optim.AdamW:
//
//	p = p*(1 - lr*WeightDecay)
//	m = m + (1-Beta1)*(g - m)
//	v = Beta2*v + (1-Beta2)*g*g
//	p = p - lr/(1-Beta1^t) * m/(sqrt(v)/sqrt(1-Beta2^t) + Eps)
type AdamW struct {
	Beta1       float64 // decay of the gradient average
	Beta2       float64 // decay of the squared-gradient average
	Eps         float64
	WeightDecay float64
}

const (
	firstMoment  = "exp_avg"
	secondMoment = "exp_avg_sq"
)

// DefaultAdamW is torch.optim.AdamW's default.
func DefaultAdamW() AdamW { return AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01} }

// NewAdamW returns an optimizer over the parameters.
func NewAdamW(s *autograd.Scope, params []Parameter, options AdamW) Optimizer {
	return newOptimizer(s, params, options)
}

func adamWFrom(s *autograd.Scope, params []Parameter, h Hyperparameters) Optimizer {
	options := DefaultAdamW()
	options.Beta1, options.WeightDecay = h.Momentum, h.WeightDecay
	return NewAdamW(s, params, options)
}

func (c AdamW) validate() error {
	return errors.Join(
		decayRate("AdamW", "beta1", c.Beta1),
		decayRate("AdamW", "beta2", c.Beta2),
		notNegative("AdamW", "eps", c.Eps),
		notNegative("AdamW", "weight decay", c.WeightDecay))
}

func (c AdamW) states() []stateTensor {
	return []stateTensor{{name: firstMoment}, {name: secondMoment}}
}

func (c AdamW) weightDecay() decay { return decay{rate: c.WeightDecay, decoupled: true} }

// biasCorrections are 1-Beta1^t and 1-Beta2^t: both averages start at zero, and the division by the
// sum of their weights so far corrects the bias.
func (c AdamW) biasCorrections(t int64) (first, second float64) {
	return 1 - math.Pow(c.Beta1, float64(t)), 1 - math.Pow(c.Beta2, float64(t))
}

func (c AdamW) update(s *autograd.Scope, g group, grads autograd.List, at stepInfo) {
	if g.decay != 0 {
		g.params.Scale(s, 1-at.lr*g.decay)
	}
	mean, square := g.state[firstMoment], g.state[secondMoment]
	mean.Lerp(s, grads, 1-c.Beta1)
	square.Scale(s, c.Beta2)
	square.AddProduct(s, grads, grads, 1-c.Beta2)

	root := square.Roots(s)
	if n := at.performed(s); n != nil {
		c.correctOnDevice(s, g, mean, root, n, at.lr)
		return
	}
	first, second := c.biasCorrections(at.step)
	root.Scale(s, 1/math.Sqrt(second))
	root.AddScalar(s, c.Eps)
	g.params.AddQuotient(s, mean, root, -at.lr/first)
}

// correctOnDevice ends update where the number n of the update is a scalar on the device. root is the square root of the
// average of squared gradients.
func (c AdamW) correctOnDevice(s *autograd.Scope, g group, mean, root autograd.List, n *autograd.Tensor, lr float64) {
	correction := func(beta float64) *autograd.Tensor { // 1 - beta^n
		return s.AddScalar(s.Scale(s.Exp(s.Scale(n, math.Log(beta))), -1), 1)
	}
	inverseRoot := s.Exp(s.Scale(s.Log(correction(c.Beta2)), -0.5))
	root = root.Times(s, s.To(inverseRoot, root[0].DType()))
	root.AddScalar(s, c.Eps)
	root = root.Times(s, s.To(correction(c.Beta1), root[0].DType()))
	g.params.AddQuotient(s, mean, root, -lr)
}

func (c AdamW) fuse(f *fusion, at stepInfo) {
	if f.decay != 0 {
		f.Scale(f.param, 1-at.lr*f.decay, f.param)
	}
	mean, square := f.state[firstMoment], f.state[secondMoment]
	f.Lerp(mean, mean, f.grad, 1-c.Beta1)
	f.AddRoundedProduct(square, 1-c.Beta2, f.grad, f.grad, c.Beta2, square)

	first, second := c.biasCorrections(at.step)
	root := f.Temporary()
	f.AffineSqrt(root, 1/math.Sqrt(second), square, c.Eps)
	f.AddQuotient(f.param, -at.lr/first, mean, root, 1, f.param)
}
