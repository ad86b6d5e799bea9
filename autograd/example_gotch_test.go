package autograd_test

import (
	"context"
	"fmt"

	"github.com/sugarme/gotch"
	"github.com/sugarme/gotch/nn"

	"depthwise.dev/autograd"
	"depthwise.dev/optim"
)

// A gotch module among the scope's operations, trained by this module's optimizer.
func ExampleScope_ForwardModule() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		store := nn.NewVarStore(gotch.CPU)
		defer store.Destroy()
		layer := nn.NewLinear(store.Root(), 2, 1, nn.DefaultLinearConfig())

		var parameters []optim.Parameter
		for i, v := range store.TrainableVariables() {
			p := s.FromGotch(v) // the same memory
			autograd.CopyFromSlice(s, p, make([]float32, p.Numel()))
			parameters = append(parameters, optim.Parameter{Name: fmt.Sprint(i), Tensor: p})
		}
		optimizer := optim.NewSGD(s, parameters, optim.SGD{})
		x, want := autograd.FromSlice(s, []float32{1, 2, 3, 4}, 2, 2), autograd.FromSlice(s, []float32{5, 6}, 2, 1)
		var first, last float64
		for step := range 50 {
			if err := s.Sub(func(s *autograd.Scope) error {
				for _, p := range parameters {
					autograd.ZeroGrads(s, autograd.List{p.Tensor})
				}
				loss := s.Mean(s.Square(s.Subtract(s.ForwardModule(layer, x), want)))
				s.Backward(loss)
				optimizer.Step(s, 0.02)
				if last = s.Item(loss); step == 0 {
					first = last
				}
				return nil
			}); err != nil {
				return err
			}
		}
		fmt.Println("the loss falls:", last < first/10)
		return nil
	})
	fmt.Println("error:", err)
	// Output:
	// the loss falls: true
	// error: <nil>
}

// The scope's operations as a module within gotch's own containers.
func ExampleScope_Module() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		square := s.Module(func(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor { return s.Square(x) })
		chain := nn.Seq()
		chain.Add(square)
		chain.Add(square)
		x := s.RequireGrad(autograd.FromSlice(s, []float32{2}, 1))
		y := s.ForwardModule(chain, x)
		s.Backward(y)
		fmt.Println(s.Item(y), s.Item(s.Grad(x)))
		return nil
	})
	fmt.Println("error:", err)
	// Output:
	// 16 32
	// error: <nil>
}
