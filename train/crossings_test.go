package train

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/data"
	"depthwise.dev/internal/testset"
)

// TestStepCrossings: a step of the fused kernels calls native code a few times for each of its
// phases, and not for each of its 83 parameters.
func TestStepCrossings(t *testing.T) {
	c := small(t, testset.Images(t, 3, 1))
	c.Backend, c.EMADecay, c.ClipGradNorm = "fused", 0.9, 1
	withRun(t, c, func(s *autograd.Scope, r *run) {
		if r.Backend.Name() != "fused" {
			t.Fatalf("backend %v", r.Kernels)
		}
		b := &data.Batch{N: 8, Height: 32, Width: 32, Pixels: make([]uint8, 8*32*32*3), Labels: []int64{0, 1, 2, 0, 1, 2, 0, 1}}
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range b.Pixels {
			b.Pixels[i] = uint8(rng.Uint32())
		}
		var seen tally
		before := runtime.NumCgoCall()
		autograd.ZeroGrads(s, r.leaves)
		if err := s.Sub(func(s *autograd.Scope) error { return r.add(s, b, &seen) }); err != nil {
			t.Fatal(err)
		}
		forwardBackward := runtime.NumCgoCall()
		if _, err := r.update(s, seen, 0.1); err != nil {
			t.Fatal(err)
		}
		update := runtime.NumCgoCall()
		if n := forwardBackward - before; n > 20 { // 14, of which half free tensors and look for gotch's errors
			t.Errorf("forward and backward make %d calls", n)
		}
		if n := update - forwardBackward; n > 4 { // gradient recording off and on, the norm, the update
			t.Errorf("the update makes %d calls", n)
		}
	})
}
