package autograd_test

import (
	"context"
	"fmt"

	"depthwise.dev/autograd"
)

// Residual is a custom layer: x + ReLU(x W). A layer is a struct with its parameters and a Forward
// made of the scope's operations, which provide the gradients.
type Residual struct{ Weight *autograd.Tensor }

// Forward takes x (N, C) and returns (N, C).
func (l Residual) Forward(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	return s.Add(x, s.ReLU(s.Matmul(x, l.Weight)))
}

// FocalLoss is a custom loss: -(1-p)^2 log p of the correct class, summed
// (https://arxiv.org/abs/1708.02002).
func FocalLoss(s *autograd.Scope, logits, oneHot *autograd.Tensor) *autograd.Tensor {
	unsure := s.Square(s.AddScalar(s.Scale(s.Softmax(logits, 1), -1), 1))
	return s.Scale(s.Sum(s.Mul(s.Mul(unsure, s.LogSoftmax(logits, 1)), oneHot)), -1)
}

// A custom layer and loss, with gradients checked against central differences.
func Example_layerAndLoss() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		layer := Residual{Weight: s.RequireGrad(autograd.FromSlice(s, []float64{1, 2, -0.5, -3}, 2, 2))}
		x := autograd.FromSlice(s, []float64{0.3, -0.2}, 1, 2)
		oneHot := autograd.FromSlice(s, []float64{0, 1}, 1, 2)

		loss := FocalLoss(s, layer.Forward(s, x), oneHot)
		s.Backward(loss)
		fmt.Printf("loss %.4f, gradient %.4f\n", s.Item(loss), autograd.ToSlice[float64](s, s.Grad(layer.Weight)))

		return autograd.GradCheck(s, func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			return FocalLoss(s, Residual{Weight: in[0]}.Forward(s, in[1]), oneHot)
		}, []*autograd.Tensor{s.Detach(layer.Weight), x}, autograd.GradCheckOptions{})
	})
	fmt.Println("error:", err)
	// Output:
	// loss 0.1004, gradient [0.0577 -0.0577 -0.0385 0.0385]
	// error: <nil>
}
