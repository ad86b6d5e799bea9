package autograd_test

import (
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// TestBackboneTimes: each pass fills the times of its own backbone, the parts add up to no more
// than the whole, and measuring changes no bit.
func TestBackboneTimes(t *testing.T) {
	c := backboneCases()[5]
	layers := len(c.backbone.Layers)
	autogradtest.Run(t, func(s *autograd.Scope) {
		x, parameters, statistics := c.tensors(s, autograd.Float32)
		pass := func(times *autograd.BackboneTimes) (features *autograd.Tensor) {
			b := c.backbone
			b.Times = times
			return b.Forward(s, x, parameters, statistics, autograd.Evaluation) // training would update the statistics
		}
		gradient := func(features *autograd.Tensor) []float64 {
			autograd.ZeroGrads(s, parameters)
			s.Backward(s.Sum(features))
			return values(s, s.Grad(parameters[0]))
		}
		want := pass(nil)
		wantGradient := gradient(want)
		var first, second autograd.BackboneTimes
		measured := pass(&first)
		other := pass(&second)
		if first.Backward.Layers != nil || second.Backward.Layers != nil {
			t.Error("times of a backward pass before there was one")
		}
		if !slices.Equal(values(s, measured), values(s, want)) {
			t.Error("measuring changes the features")
		}
		if !slices.Equal(gradient(measured), wantGradient) {
			t.Error("measuring changes the gradients")
		}
		if second.Backward.Layers != nil {
			t.Error("a backward pass filled the times of another backbone")
		}
		gradient(other)
		for name, times := range map[string]autograd.PassTimes{"first forward": first.Forward, "first backward": first.Backward,
			"second forward": second.Forward, "second backward": second.Backward} {
			if len(times.Layers) != layers {
				t.Errorf("%s: times of %d layers, want %d", name, len(times.Layers), layers)
			}
			sum := times.Pack + times.Image + times.Pool
			for _, l := range times.Layers {
				sum += l
			}
			if !(sum > 0 && sum <= times.Whole) {
				t.Errorf("%s: parts of %g s in a whole of %g s", name, sum, times.Whole)
			}
		}
	})
}

// TestBackboneTimesOfFailedPass: a pass that fails reports no times.
func TestBackboneTimesOfFailedPass(t *testing.T) {
	var times autograd.BackboneTimes
	failing(t, func(s *autograd.Scope) error {
		c := backboneCases()[5]
		x, parameters, statistics := c.tensors(s, autograd.Float32)
		c.backbone.Times = &times
		c.backbone.Forward(s, x, parameters[1:], statistics, autograd.Training)
		return s.Err()
	})
	if times.Forward.Layers != nil {
		t.Errorf("times %+v of a pass that failed", times)
	}
}

func TestBackbonePeaks(t *testing.T) {
	for _, d := range []autograd.DType{autograd.Float32, autograd.BFloat16} {
		p, err := autograd.MeasureBackbonePeaks(d, 1)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]float64{"products": p.MultiplyAdds, "products of floats": p.FloatMultiplyAdds,
			"read": p.Read, "add": p.Add} {
			if !(v > 1e6) {
				t.Errorf("%v, %s: %g per second", d, name, v)
			}
		}
	}
	if _, err := autograd.MeasureBackbonePeaks(autograd.Float64, 1); err == nil {
		t.Error("no error for float64")
	}
	if _, err := autograd.MeasureBackbonePeaks(autograd.Float32, 0); err == nil {
		t.Error("no error for zero threads")
	}
	p := autograd.BackbonePeaks{MultiplyAdds: 1, FloatMultiplyAdds: 5, Read: 2, Add: 7}
	q := autograd.BackbonePeaks{MultiplyAdds: 2, FloatMultiplyAdds: 4, Read: 3, Add: 6}
	want := autograd.BackbonePeaks{MultiplyAdds: 2, FloatMultiplyAdds: 5, Read: 3, Add: 7}
	if got := p.Best(q); got != want || got.Bandwidth() != 7 {
		t.Errorf("the better of two is %+v, want %+v", got, want)
	}
}
