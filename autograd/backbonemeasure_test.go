package autograd_test

import (
	"testing"

	"depthwise.dev/autograd"
)

func TestBackbonePeaks(t *testing.T) {
	for _, d := range []autograd.DType{autograd.Float32, autograd.BFloat16} {
		p, err := autograd.MeasureBackbonePeaks(d, 1)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]float64{"products": p.MultiplyAdds, "products of floats": p.FloatMultiplyAdds,
			"read": p.Read, "add": p.Add} {
			if !(v > 1e6) {
				t.Errorf("%v, %s: %g a second", d, name, v)
			}
		}
	}
	if _, err := autograd.MeasureBackbonePeaks(autograd.Float64, 1); err == nil {
		t.Error("peaks of float64, which the kernels do not compute in")
	}
	if _, err := autograd.MeasureBackbonePeaks(autograd.Float32, 0); err == nil {
		t.Error("peaks of no threads")
	}
	p := autograd.BackbonePeaks{MultiplyAdds: 1, FloatMultiplyAdds: 5, Read: 2, Add: 7}
	q := autograd.BackbonePeaks{MultiplyAdds: 2, FloatMultiplyAdds: 4, Read: 3, Add: 6}
	want := autograd.BackbonePeaks{MultiplyAdds: 2, FloatMultiplyAdds: 5, Read: 3, Add: 7}
	if got := p.Best(q); got != want || got.Bandwidth() != 7 {
		t.Errorf("the best of two is %+v, want %+v", got, want)
	}
}
