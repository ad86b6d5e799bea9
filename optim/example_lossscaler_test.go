package optim_test

import (
	"context"
	"fmt"
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/optim"
)

// A step with infinite gradients changes nothing but the scale.
func ExampleLossScaler() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		w := s.RequireGrad(autograd.FromSlice(s, []float32{1}, 1))
		optimizer := optim.NewSGD(s, []optim.Parameter{{Name: "w", Tensor: w}}, optim.SGD{})
		scaler := optim.NewLossScaler(s, w.Device())
		for _, slope := range []float64{0.5, math.Inf(1), 0.25} {
			autograd.ZeroGrads(s, autograd.List{w})
			loss := s.Sum(s.Scale(w, slope))
			s.Backward(scaler.Scale(s, loss))
			optimizer.Prepare(optim.StepOptions{LR: 1, Scaler: scaler}).Unfused(s)
			fmt.Printf("w = %v, scale %v\n", s.Item(w), scaler.State(s).Scale)
		}
		return s.Err()
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// w = 0.5, scale 65536
	// w = 0.5, scale 32768
	// w = 0.25, scale 32768
}
