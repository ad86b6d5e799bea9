package autograd_test

import (
	"context"
	"fmt"
	"math"

	"depthwise.dev/autograd"
)

// Softplus is a custom operation, log(1 + exp(x)), computed in Go, with its own backward pass.
type Softplus struct{}

// Forward computes the values; it is not recorded.
func (Softplus) Forward(ctx *autograd.FunctionCtx, s *autograd.Scope, in []*autograd.Tensor) []*autograd.Tensor {
	x := autograd.ToSlice[float64](s, in[0])
	y, sigmoid := make([]float64, len(x)), make([]float64, len(x))
	for i, v := range x {
		y[i], sigmoid[i] = math.Log1p(math.Exp(v)), 1/(1+math.Exp(-v))
	}
	ctx.SaveForBackward(autograd.FromSlice(s, sigmoid, in[0].Shape()...))
	return []*autograd.Tensor{autograd.FromSlice(s, y, in[0].Shape()...)}
}

// Backward is the chain rule: the derivative of softplus is the sigmoid.
func (Softplus) Backward(ctx *autograd.FunctionCtx, s *autograd.Scope, g []*autograd.Tensor) []*autograd.Tensor {
	return []*autograd.Tensor{s.Mul(g[0], ctx.SavedTensors()[0])}
}

// An operation whose values and gradient are computed in Go, checked against central differences.
func ExampleFunction() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		x := s.RequireGrad(autograd.FromSlice(s, []float64{-1, 0, 2}, 3))
		y := s.Apply(Softplus{}, x)[0]
		s.Backward(s.Sum(y))
		fmt.Printf("%.4f %.4f\n", autograd.ToSlice[float64](s, y), autograd.ToSlice[float64](s, s.Grad(x)))

		return autograd.GradCheck(s, func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			return s.Apply(Softplus{}, in...)[0]
		}, []*autograd.Tensor{s.Detach(x)}, autograd.GradCheckOptions{})
	})
	fmt.Println("error:", err)
	// Output:
	// [0.3133 0.6931 2.1269] [0.2689 0.5000 0.8808]
	// error: <nil>
}
