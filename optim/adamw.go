package optim

import (
	"errors"
	"math"

	"depthwise.dev/autograd"
)

// AdamW is Adam with weight decay apart from the gradient (Loshchilov and Hutter
// 2019, arXiv:1711.05101), in the order of operations of torch.optim.AdamW:
//
//	p = p*(1 - lr*WeightDecay)
//	m = m + (1-Beta1)*(g - m)
//	v = Beta2*v + (1-Beta2)*g*g
//	p = p - lr/(1-Beta1^t) * m/(sqrt(v)/sqrt(1-Beta2^t) + Eps)
type AdamW struct {
	Beta1       float64 // PyTorch's default is 0.9
	Beta2       float64 // PyTorch's default is 0.999
	Eps         float64 // PyTorch's default is 1e-8
	WeightDecay float64 // PyTorch's default is 0.01
}

const (
	firstMoment  = "exp_avg"
	secondMoment = "exp_avg_sq"
)

// NewAdamW returns an optimizer over the parameters.
func NewAdamW(s *autograd.Scope, params []Parameter, settings AdamW) Optimizer {
	return newOptimizer(s, params, settings)
}

func (c AdamW) validate() error {
	return errors.Join(
		share("AdamW", "beta1", c.Beta1),
		share("AdamW", "beta2", c.Beta2),
		notNegative("AdamW", "eps", c.Eps),
		notNegative("AdamW", "weight decay", c.WeightDecay))
}

func (c AdamW) kept() []kept { return []kept{{name: firstMoment}, {name: secondMoment}} }

func (c AdamW) weightDecay() decay { return decay{rate: c.WeightDecay, decoupled: true} }

func (c AdamW) update(s *autograd.Scope, g group, grads autograd.List, at moment) {
	if g.decay != 0 {
		g.params.Scale(s, 1-at.lr*g.decay)
	}
	mean, square := g.state[firstMoment], g.state[secondMoment]
	mean.Lerp(s, grads, 1-c.Beta1)
	square.Scale(s, c.Beta2)
	square.AddProduct(s, grads, grads, 1-c.Beta2)

	// Both averages started at zero; dividing by what they have seen corrects that.
	seen1 := 1 - math.Pow(c.Beta1, float64(at.step))
	seen2 := 1 - math.Pow(c.Beta2, float64(at.step))
	root := square.Clone(s)
	root.Sqrt(s)
	root.Scale(s, 1/math.Sqrt(seen2))
	root.AddScalar(s, c.Eps)
	g.params.AddQuotient(s, mean, root, -at.lr/seen1)
}

func (c AdamW) fused(g group) autograd.UpdateGroup {
	return autograd.UpdateGroup{Means: g.state[firstMoment], Squares: g.state[secondMoment],
		UpdateNumbers: autograd.UpdateNumbers{Rule: autograd.AdamWUpdate, Momentum: c.Beta1, Past: c.Beta2, Eps: c.Eps}}
}
