package autograd_test

import (
	"context"
	"fmt"

	"depthwise.dev/autograd"
)

// SqueezeExcite scales the channels of x (N, C, H, W) by factors computed from their means
// (https://arxiv.org/abs/1709.01507). Reduce is (R, C), Expand (C, R).
type SqueezeExcite struct{ Reduce, Expand *autograd.Tensor }

func (l SqueezeExcite) Forward(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	factors := s.Sigmoid(s.Linear(s.ReLU(s.Linear(s.GlobalAvgPool(x), l.Reduce, nil)), l.Expand, nil))
	return s.Mul(x, s.Reshape(factors, x.Shape()[0], x.Shape()[1], 1, 1))
}

// adagrad divides each gradient by the root of the sum of its squares so far.
func adagrad(s *autograd.Scope, parameters, gradients, sums autograd.List, lr float64) {
	sums.AddProduct(s, gradients, gradients, 1)
	root := sums.Clone(s)
	root.Sqrt(s)
	root.AddScalar(s, 1e-10)
	parameters.AddQuotient(s, gradients, root, -lr)
}

// A squeeze-excite layer learns with Adagrad and the focal loss of the example LayerAndLoss.
func Example_squeezeExcite() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		x := autograd.FromSlice(s, []float32{2, 1, 1, 2, 3, 1, 1, 3}, 4, 2, 1, 1) // four images of two channels
		oneHot := autograd.FromSlice(s, []float32{1, 0, 0, 1, 1, 0, 0, 1}, 4, 2)  // which is brighter
		layer := SqueezeExcite{Reduce: autograd.FromSlice(s, []float32{0.3, -0.2, -0.1, 0.4}, 2, 2), Expand: autograd.FromSlice(s, []float32{0.1, -0.3, -0.2, 0.2}, 2, 2)}
		weights := autograd.List{s.RequireGrad(layer.Reduce), s.RequireGrad(layer.Expand)}
		sums, last := weights.ZerosLike(s), 0.0
		for range 100 {
			if err := s.Sub(func(s *autograd.Scope) error { // frees the tensors of the step
				autograd.ZeroGrads(s, weights)
				loss := FocalLoss(s, s.GlobalAvgPool(layer.Forward(s, x)), oneHot)
				s.Backward(loss)
				adagrad(s, weights, autograd.List{s.Grad(layer.Reduce), s.Grad(layer.Expand)}, sums, 0.2)
				last = s.Item(loss)
				return nil
			}); err != nil {
				return err
			}
		}
		fmt.Printf("loss %.2f\n", last)
		return nil
	})
	fmt.Println("error:", err)
	// Output:
	// loss 0.01
	// error: <nil>
}
