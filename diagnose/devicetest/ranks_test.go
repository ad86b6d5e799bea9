package devicetest

import (
	"math"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/distributed"
	"depthwise.dev/distributed/distributedtest"
)

// TestGroupOfOneRank trains as the only rank of a group, which exchanges by NCCL on a GPU and by gloo on the CPU: averaged over one
// rank, gradients and running statistics keep their bits, and synchronized batch norm is batch norm.
func TestGroupOfOneRank(t *testing.T) {
	d := device(t)
	g := withoutDropout(graph(t, "mobilenet_v1", "", 0.25, 48))
	for _, name := range []string{"fused", "cuda", "torch"} {
		o := backend.Options{Backend: name, Device: d.String(), Precision: "fp32"}
		if lacks := lacking(t, g, o); lacks != nil {
			continue
		}
		losses, weights := trained(t, g, o)
		t.Run(name, func(t *testing.T) {
			_, got := trainedWith(t, g, o, asOnlyRank(t, d, false))
			if !slices.EqualFunc(got, weights, slices.Equal[[]float32]) {
				t.Error("the weights have other bits than without a group")
			}
		})
		t.Run(name+", synchronized", func(t *testing.T) {
			got, _ := trainedWith(t, g, o, asOnlyRank(t, d, true))
			for i := range losses[:3] { // as in TestSteps; the first loss is that of one forward pass
				if tolerance := []float64{1e-5, 1e-2, 1e-2}[i]; !(math.Abs(got[i]-losses[i]) <= tolerance*losses[i]) {
					t.Errorf("step %d: loss %v, want %v", i, got[i], losses[i])
				}
			}
		})
	}
}

// asOnlyRank joins a group of one rank and averages gradients over it, with batch norm by its own statistics or synchronized.
func asOnlyRank(t *testing.T, d autograd.Device, synchronized bool) func(*autograd.Scope, backend.Machine, *backend.Network) stepCalls {
	return func(s *autograd.Scope, _ backend.Machine, n *backend.Network) stepCalls {
		group, err := distributed.Join(t.Context(), distributedtest.Env(0, 1, distributedtest.FreePort(t)), distributed.Options{NCCL: d != autograd.CPU, Device: d})
		if err != nil {
			s.Fail(err)
			return stepCalls{}
		}
		var o autograd.ReducerOptions
		for _, p := range n.Trainable() {
			o.Parameters, o.Names = append(o.Parameters, p.Tensor), append(o.Names, p.Name)
		}
		var sync *autograd.NormSync
		if synchronized {
			sync = n.SyncNorms(group.Process())
		} else {
			for _, b := range n.Statistics() {
				o.Statistics = append(o.Statistics, b.Tensor)
			}
		}
		group.Process().Broadcast(s, o.Parameters)
		reducer := autograd.NewGradientReducer(s, group.Process(), o)
		return stepCalls{
			before: func(s *autograd.Scope, images int) {
				if sync != nil {
					sync.Weight = float64(images)
				}
				reducer.Begin(s, autograd.Contribution{Images: images, Weight: float64(images)})
			},
			after: func(s *autograd.Scope, _ int) { reducer.Finish(s) },
			end:   func() error { reducer.Free(); return group.Close() },
		}
	}
}
