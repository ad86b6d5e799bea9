package models

import (
	"math"
	"slices"
	"testing"
)

func TestLayerCounts(t *testing.T) {
	for _, tc := range []struct {
		name         string
		node         func() *Node
		kind         string // Layer.Type
		role         Role
		weight       []int64
		params       int64
		multiplyAdds int64
	}{
		{"convolution", func() *Node { return image().Conv(Conv{Out: 4, Kernel: 3, Stride: 2, Bias: true}) }, "conv", RoleConv, []int64{4, 3, 3, 3}, 4*27 + 4, 16 * 4 * 27},
		{"depthwise", func() *Node { return image().DepthwiseConv(Conv{Kernel: 3}) }, "depthwise", RoleDepthwise, []int64{3, 1, 3, 3}, 27, 64 * 27},
		{"depthwise with two filters a channel", func() *Node { return image().Conv(Conv{Out: 6, Kernel: 3, Groups: 3}) }, "depthwise", RoleDepthwise, []int64{6, 1, 3, 3}, 54, 64 * 54},
		{"pointwise", func() *Node { return image().Conv(Conv{Out: 5}) }, "pointwise", RolePointwise, []int64{5, 3, 1, 1}, 15, 64 * 15},
		{"grouped", func() *Node { return image().Conv(Conv{Out: 4}).Conv(Conv{Out: 6, Kernel: 3, Groups: 2}) }, "conv", RoleConv, []int64{6, 2, 3, 3}, 108, 64 * 108},
		{"one channel", func() *Node { return image().Conv(Conv{Out: 1}).DepthwiseConv(Conv{Kernel: 3}) }, "conv", RoleConv, []int64{1, 1, 3, 3}, 9, 64 * 9},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, err := Build("test", tc.node().GlobalAvgPool())
			if err != nil {
				t.Fatal(err)
			}
			l := g.Layers[len(g.Layers)-2]
			if l.Type() != tc.kind || l.Arrays()[0].Role != tc.role || !slices.Equal(l.WeightShape(), tc.weight) || l.Params() != tc.params || l.MultiplyAdds() != tc.multiplyAdds {
				t.Errorf("%s, %s, %v, %d parameters, %d multiply-adds", l.Type(), l.Arrays()[0].Role, l.WeightShape(), l.Params(), l.MultiplyAdds())
			}
		})
	}
	g, err := Build("linear", image().GlobalAvgPool().Linear(Linear{Out: 7}))
	if err != nil {
		t.Fatal(err)
	}
	if l := g.Layers[1]; l.Type() != "linear" || l.Arrays()[0].Role != RoleHead || l.Arrays()[1].Role != RoleBias || l.Params() != 28 || l.MultiplyAdds() != 21 {
		t.Errorf("%s, %v, %d parameters, %d multiply-adds", l.Type(), l.Arrays(), l.Params(), l.MultiplyAdds())
	}
	if l := g.Layers[0]; l.WeightShape() != nil || l.Arrays() != nil || l.Params() != 0 || l.MultiplyAdds() != 0 || l.Windowed() {
		t.Errorf("the pool has %v", l.Arrays())
	}
}

// Batch norms and biases begin as PyTorch's.
func TestInitialConstants(t *testing.T) {
	for _, a := range every(t).Arrays() {
		want := float32(0)
		switch {
		case len(a.Shape) > 1:
			continue
		case a.Role == RoleNorm && a.Name[len(a.Name)-6:] == "weight", a.Role == "" && a.Name[len(a.Name)-3:] == "var":
			want = 1
		}
		for _, v := range a.Initial(1) {
			if v != want {
				t.Errorf("%s begins with %v, want %v", a.Name, v, want)
				break
			}
		}
	}
}

func TestPreprocessings(t *testing.T) {
	for _, tc := range []struct {
		name string
		p    Preprocessing
		want func(pixel float64) float64 // of the red byte
	}{
		{"unit", UnitPreprocessing(), func(v float64) float64 { return v / 255 }},
		{"Inception", InceptionPreprocessing(), func(v float64) float64 { return v/127.5 - 1 }},
		{"ImageNet", ImageNetPreprocessing(), func(v float64) float64 { return (v/255 - 0.485) / 0.229 }},
	} {
		for _, v := range []float64{0, 100, 255} {
			if got := (v/255 - tc.p.Mean[0]) / tc.p.Std[0]; math.Abs(got-tc.want(v)) > 1e-12 {
				t.Errorf("%s: %v becomes %v, want %v", tc.name, v, got, tc.want(v))
			}
		}
		if tc.p.CropFraction != 0.875 || tc.p.Interpolation != "bilinear" {
			t.Errorf("%s: %+v", tc.name, tc.p)
		}
	}
}
