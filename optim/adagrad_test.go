package optim

import (
	"math"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// adagrad is the optimizer of Duchi, Hazan and Singer 2011 (JMLR 12) as implemented by
// torch.optim.Adagrad. It shows that an optimizer is one file and one row:
//
//	g = gradient + WeightDecay*p
//	v = v + g*g
//	p = p - lr*g/(sqrt(v) + Eps)
type adagrad struct {
	Eps         float64
	WeightDecay float64
}

const adagradSum = "sum"

var adagradSpec = OptimizerSpec{"adagrad", "adaptive gradient", 0.01,
	func(s *autograd.Scope, params []Parameter, h Hyperparameters) Optimizer {
		return newOptimizer(s, params, adagrad{Eps: 1e-10, WeightDecay: h.WeightDecay})
	}}

func (c adagrad) validate() error { return notNegative("Adagrad", "eps", c.Eps) }

func (c adagrad) states() []stateTensor { return []stateTensor{{name: adagradSum}} }

func (c adagrad) weightDecay() decay { return decay{rate: c.WeightDecay} }

func (c adagrad) update(s *autograd.Scope, g group, grads autograd.List, at stepInfo) {
	sum := g.state[adagradSum]
	sum.AddProduct(s, grads, grads, 1)
	root := sum.Clone(s)
	root.Sqrt(s)
	root.AddScalar(s, c.Eps)
	g.params.AddQuotient(s, grads, root, -at.lr)
}

func (c adagrad) fuse(f *fusion, at stepInfo) {
	sum, root := f.state[adagradSum], f.Temporary()
	f.AddProduct(sum, 1, f.grad, f.grad, 1, sum)
	f.AffineSqrt(root, 1, sum, c.Eps)
	f.AddQuotient(f.param, -at.lr, f.grad, root, 1, f.param)
}

// quadratic is the loss sum(curvature*(w-target)^2)/2, minimal at target.
type quadratic struct{ curvature, target []float32 }

// newQuadratic has more elements than a block of the kernel, and a remainder.
func newQuadratic() quadratic {
	q := quadratic{make([]float32, 300), make([]float32, 300)}
	for i := range q.target {
		q.curvature[i], q.target[i] = 0.5+float32(i%7), float32(i%11)-5
	}
	return q
}

// gradient makes the gradient at the parameter.
func (q quadratic) gradient(s *autograd.Scope, p Parameter) {
	w := values(s, p)
	for i := range w {
		w[i] = q.curvature[i] * (w[i] - q.target[i])
	}
	giveGradient(s, p.Tensor, w)
}

// build makes the optimizer from a registry that has its row.
func (q quadratic) build(t *testing.T, s *autograd.Scope, start []float32) (Optimizer, Parameter) {
	spec, err := FindOptimizer(append(slices.Clone(Optimizers), adagradSpec), "adagrad")
	if err != nil {
		t.Fatal(err)
	}
	p := vector(s, "w", start, nil)
	return spec.New(s, []Parameter{p}, Hyperparameters{}), p
}

// TestNewOptimizerTrains minimizes the quadratic with an optimizer that is one file and one row,
// compares each step with the formula in float64, and continues from a saved state. tol: 1e-6 of
// the largest value; a float32 rounding is 6e-8, measured 1.2e-7.
func TestNewOptimizerTrains(t *testing.T) {
	const steps, lr = 60, 2
	forEachWay(t, func(t *testing.T, s *autograd.Scope, apply func(*autograd.Scope, Update) float64) {
		q := newQuadratic()
		o, p := q.build(t, s, make([]float32, len(q.target)))
		want, sum := make([]float64, len(q.target)), make([]float64, len(q.target))
		for step := range steps {
			if step == steps/2 { // continue with a new optimizer
				state := o.State()
				if len(state.Tensors) != 1 || state.Tensors[0].Name != "sum/w" || state.Steps != steps/2 {
					t.Fatalf("state %v after %d steps", state.Tensors, state.Steps)
				}
				o, p = q.build(t, s, values(s, p))
				if err := o.Load(s, state); err != nil {
					t.Fatal(err)
				}
			}
			q.gradient(s, p)
			apply(s, o.Prepare(StepOptions{LR: lr}))
			want32 := make([]float32, len(want))
			for i := range want {
				g := float64(q.curvature[i]) * (want[i] - float64(q.target[i]))
				sum[i] += g * g
				if sum[i] > 0 {
					want[i] -= lr * g / (math.Sqrt(sum[i]) + 1e-10)
				}
				want32[i] = float32(want[i])
			}
			compare32(t, "w", values(s, p), want32, 1e-6)
		}
		compare32(t, "minimum", values(s, p), q.target, 1e-6)
	})
}

// withoutFused hides the fused form of a rule.
type withoutFused struct{ rule }

// The fused form is optional: without it, Fused is Unfused, bit for bit.
func TestFusedFormIsOptional(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		var results [][]float32
		for _, way := range ways {
			f := newFixture(s)
			o := newOptimizer(s, f.params, withoutFused{adagrad{Eps: 1e-10}})
			for range 3 {
				f.giveGradients(s)
				way.apply(s, o.Prepare(StepOptions{LR: 0.1, MaxGradNorm: 1}))
			}
			results = append(results, slices.Concat(values(s, f.params[0]), values(s, f.params[5])))
		}
		if !slices.Equal(results[0], results[1]) {
			t.Error("results differ")
		}
	})
}
