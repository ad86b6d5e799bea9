package backend

import (
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// BenchmarkSyncNorms measures a forward and backward pass of 16 images by each of two ranks, a thread each, which exchange
// the sums of batch norm, and nothing else: by gloo, or in memory, which leaves the cost of the sums themselves.
func BenchmarkSyncNorms(b *testing.B) {
	for _, backend := range []Backend{Fused{}, Torch{}} {
		for _, tc := range []struct {
			name string
			sync bool
			run  rankRunner
		}{
			{"own", false, autogradtest.RunRanks},
			{"in memory", true, autogradtest.RunRanks},
			{"gloo", true, overGloo},
		} {
			b.Run(backend.Name()+"/"+tc.name, func(b *testing.B) {
				c := config(b, "mobilenet_v1", "paper")
				c.Width, c.Resolution, c.Classes = 0.5, 160, 10
				g := graph(b, c)
				tc.run(b, 2, func(s *autograd.Scope, p *autograd.ProcessGroup) {
					autograd.SetThreads(s, 1)
					n := New(s, g, 1)
					if tc.sync {
						n.SyncNorms(p)
					}
					pixels := noisePixels(16, c.Resolution, c.Resolution)
					step := func() {
						s.Fail(s.Sub(func(s *autograd.Scope) error {
							backend.Backward(s, s.Mean(backend.ForwardPixels(s, n, pixels, autograd.Training)))
							descend(s, n)
							return s.Err()
						}))
					}
					step()
					if p.Rank() == 0 {
						b.ResetTimer()
					}
					for range b.N {
						step()
					}
				})
			})
		}
	}
}
