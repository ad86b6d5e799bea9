package autograd_test

import (
	"context"
	"fmt"

	"depthwise.dev/autograd"
)

// First and second derivatives of x^3 at chosen points, as torch.autograd.grad with create_graph.
func ExampleGrad() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		x := s.RequireGrad(autograd.FromSlice(s, []float64{1, 2, 3}, 3))
		y := s.Sum(s.Mul(s.Square(x), x))
		first := autograd.Grad(s, []*autograd.Tensor{y}, []*autograd.Tensor{x}, autograd.GradOptions{CreateGraph: true})
		if s.Err() != nil {
			return s.Err()
		}
		second := autograd.Grad(s, []*autograd.Tensor{s.Sum(first[0])}, []*autograd.Tensor{x}, autograd.GradOptions{})
		if s.Err() != nil {
			return s.Err()
		}
		fmt.Println(autograd.ToSlice[float64](s, first[0]), autograd.ToSlice[float64](s, second[0]))
		return nil
	})
	fmt.Println("error:", err)
	// Output:
	// [3 12 27] [6 12 18]
	// error: <nil>
}

// A block that saves only its input and is recomputed by the backward pass, including dropout's
// mask.
func ExampleScope_Checkpoint() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		autograd.Seed(s, 1)
		w := s.RequireGrad(autograd.FromSlice(s, []float32{1, 2, 3, 4}, 4))
		x := autograd.FromSlice(s, []float32{1, 1, 1, 1}, 4)
		calls := 0
		y := s.Checkpoint(func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			calls++
			return s.Dropout(s.Mul(in[0], w), 0.5)
		}, x)
		s.Backward(s.Sum(y))
		// The sum is linear in w, so the gradient times w is y, if the same elements were dropped.
		same := autograd.ToSlice[float32](s, s.Subtract(s.Mul(s.Grad(w), w), y))
		fmt.Println(calls, "calls, difference", same)
		return nil
	})
	fmt.Println("error:", err)
	// Output:
	// 2 calls, difference [0 0 0 0]
	// error: <nil>
}

// Hooks observe gradients and replace them.
func ExampleScope_RegisterHook() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		x := s.RequireGrad(autograd.FromSlice(s, []float64{3, -4}, 2))
		y := s.Square(x)
		s.RegisterHook(x, func(s *autograd.Scope, g *autograd.Tensor) *autograd.Tensor {
			fmt.Println("gradient", autograd.ToSlice[float64](s, g))
			return nil // unchanged
		})
		s.RegisterHook(y, func(s *autograd.Scope, g *autograd.Tensor) *autograd.Tensor {
			return s.Scale(g, 10) // replaces it
		})
		s.Backward(s.Sum(y))
		return nil
	})
	fmt.Println("error:", err)
	// Output:
	// gradient [60 -80]
	// error: <nil>
}
