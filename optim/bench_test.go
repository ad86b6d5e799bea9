package optim

import (
	"context"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/models/mobilenet"
)

// BenchmarkStep updates the 4.2 million parameters of MobileNet v1 at width 1 by each optimizer
// with the hyperparameters of a recipe, fused and unfused. It reports GB/s over the arrays that
// have to be read and written once.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name   string
		passes int // over memory: parameters twice, gradients once, state twice
		clip   float64
		build  func(*autograd.Scope, []Parameter) Optimizer
	}{
		{"sgd", 5, 0, func(s *autograd.Scope, p []Parameter) Optimizer {
			return NewSGD(s, p, SGD{Momentum: 0.9, WeightDecay: 4e-5})
		}},
		{"sgd clipped", 6, 1, func(s *autograd.Scope, p []Parameter) Optimizer {
			return NewSGD(s, p, SGD{Momentum: 0.9, WeightDecay: 4e-5})
		}},
		{"rmsprop", 7, 0, func(s *autograd.Scope, p []Parameter) Optimizer {
			return rmsPropFrom(s, p, Hyperparameters{Momentum: 0.9, WeightDecay: 4e-5})
		}},
		{"rmsprop_tf", 7, 0, func(s *autograd.Scope, p []Parameter) Optimizer {
			return rmsPropTFFrom(s, p, Hyperparameters{Momentum: 0.9, WeightDecay: 4e-5})
		}},
		{"adamw", 7, 0, func(s *autograd.Scope, p []Parameter) Optimizer {
			return adamWFrom(s, p, Hyperparameters{Momentum: 0.9, WeightDecay: 0.05})
		}},
	} {
		for _, way := range ways {
			b.Run(c.name+"/"+way.name, func(b *testing.B) {
				benchmarkStep(b, c.build, func(s *autograd.Scope, o Optimizer) {
					way.apply(s, o.Prepare(StepOptions{LR: 1e-3, MaxGradNorm: c.clip}))
				}, c.passes)
			})
		}
	}
}

func benchmarkStep(b *testing.B, build func(*autograd.Scope, []Parameter) Optimizer, step func(*autograd.Scope, Optimizer), passes int) {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		c, err := mobilenet.Default("mobilenet_v1", "paper")
		if err != nil {
			return err
		}
		g, err := c.Graph()
		if err != nil {
			return err
		}
		autograd.SetThreads(s, 2)
		var params []Parameter
		var size int64
		for _, p := range backend.New(s, g, 1).Parameters() {
			s.Backward(s.Sum(s.Square(p.Tensor)))
			params = append(params, Parameter{Name: p.Name, Tensor: p.Tensor})
			size += p.Tensor.Numel()
		}
		optimizer := build(s, params)
		step(s, optimizer)
		b.SetBytes(4 * size * int64(passes))
		for b.Loop() {
			step(s, optimizer)
		}
		return s.Err()
	})
	if err != nil {
		b.Fatal(err)
	}
}
