package autograd_test

import (
	"context"
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/optim"
)

// A custom training loop: two layers learn "exclusive or".
func Example_trainingLoop() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		x := autograd.FromSlice(s, []float32{0, 0, 0, 1, 1, 0, 1, 1}, 4, 2)
		labels := autograd.FromSlice(s, []int64{0, 1, 1, 0}, 4)
		w1 := s.RequireGrad(autograd.FromSlice(s, []float32{1, -1, -1, 1, 1, 1, -1, -1}, 4, 2))
		b1 := s.RequireGrad(autograd.FromSlice(s, []float32{0.1, 0.1, 0.1, 0.1}, 4))
		w2 := s.RequireGrad(autograd.FromSlice(s, []float32{0.5, 0.3, -0.6, 0.2, -0.4, -0.5, 0.7, 0.1}, 2, 4))
		optimizer := optim.NewSGD(s, []optim.Parameter{{Name: "w1", Tensor: w1}, {Name: "b1", Tensor: b1, NoDecay: true},
			{Name: "w2", Tensor: w2}}, optim.SGD{Momentum: 0.9})
		schedule := optim.Cosine{Base: 0.3, Total: 200}

		for step := range int64(200) {
			if err := s.Sub(func(s *autograd.Scope) error { // one scope per step: its tensors are freed at the end
				autograd.ZeroGrads(s, autograd.List{w1, b1, w2})
				logits := s.Linear(s.ReLU(s.Linear(x, w1, b1)), w2, nil)
				loss := autograd.CrossEntropy{}.Loss(s, logits, labels)
				s.Backward(loss)
				optimizer.Step(s, schedule.LR(step))
				if step == 199 {
					fmt.Println("learned:", s.Item(loss) < 0.01)
				}
				return nil // the scope's first error, if any, is Sub's
			}); err != nil {
				return err
			}
		}
		return s.Context().Err()
	})
	fmt.Println("error:", err)
	// Output:
	// learned: true
	// error: <nil>
}
