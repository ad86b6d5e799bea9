package backend

import (
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// BenchmarkReducer measures what a reducer of one rank adds to a training step without an update: gradients are copied to
// buckets. Batch 16 at 224, MobileNet v1.
func BenchmarkReducer(b *testing.B) {
	for _, with := range []bool{false, true} {
		name := "without"
		if with {
			name = "one rank"
		}
		b.Run(name, func(b *testing.B) {
			autogradtest.RunRanks(b, 1, func(s *autograd.Scope, p *autograd.ProcessGroup) {
				n := New(s, graph(b, config(b, "mobilenet_v1", "paper")), 1)
				var o autograd.ReducerOptions
				for _, p := range n.Trainable() {
					o.Parameters = append(o.Parameters, p.Tensor)
				}
				for _, l := range n.layers {
					if l.Norm != nil {
						o.Statistics = append(o.Statistics, l.norm.Mean, l.norm.Var)
					}
				}
				if !with {
					p = nil
				}
				r := autograd.NewGradientReducer(s, p, o)
				pixels := noisePixels(16, 224, 224)
				for b.Loop() {
					s.Fail(s.Sub(func(s *autograd.Scope) error {
						autograd.ZeroGrads(s, o.Parameters)
						loss := s.Scale(sumLoss(s, Fused{}.ForwardPixels(s, n, pixels, autograd.Training)), 1.0/16)
						r.Begin(s, autograd.Contribution{Images: 16, Weight: 16})
						Fused{}.Backward(s, loss)
						r.Finish(s)
						return s.Err()
					}))
				}
			})
		})
	}
}
