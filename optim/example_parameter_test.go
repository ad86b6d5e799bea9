package optim_test

import (
	"context"
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/optim"
)

// Parameters with learning rates of their own, and a state that is saved and loaded by the
// parameters' names.
func ExampleParameter() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		body := s.RequireGrad(autograd.FromSlice(s, []float64{1}, 1))
		head := s.RequireGrad(autograd.FromSlice(s, []float64{1}, 1))
		parameters := []optim.Parameter{{Name: "body", Tensor: body, LRScale: 0.1}, {Name: "head", Tensor: head}}
		optimizer := optim.NewSGD(s, parameters, optim.SGD{Momentum: 0.9})

		s.Backward(s.Add(body, head)) // gradients of 1
		optimizer.Step(s, 0.5)
		fmt.Println(s.Item(body), s.Item(head))

		another := optim.NewSGD(s, parameters, optim.SGD{Momentum: 0.9})
		if err := another.Load(s, optimizer.State()); err != nil {
			return err
		}
		another.Step(s, 0.5) // momentum: 0.9 + 1
		fmt.Printf("%.3f %.3f\n", s.Item(body), s.Item(head))
		return nil
	})
	fmt.Println("error:", err)
	// Output:
	// 0.95 0.5
	// 0.855 -0.450
	// error: <nil>
}
