package autograd_test

import (
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// convCases are the kinds of convolution in typical networks.
var convCases = []struct {
	name       string
	x, w       []int64 // shapes
	bias       bool
	conv       autograd.Conv
	wantHeight int64
}{
	{"zero value", []int64{2, 3, 5, 5}, []int64{4, 3, 3, 3}, false, autograd.Conv{}, 3},
	{"stem: stride 2, padding 1", []int64{2, 3, 6, 6}, []int64{4, 3, 3, 3}, false, autograd.Conv{Stride: 2, Padding: 1}, 3},
	{"bias", []int64{1, 2, 4, 4}, []int64{3, 2, 3, 3}, true, autograd.Conv{Padding: 1}, 4},
	{"pointwise", []int64{2, 3, 3, 3}, []int64{5, 3, 1, 1}, false, autograd.Conv{Stride: 1}, 3},
	{"depthwise", []int64{2, 4, 5, 5}, []int64{4, 1, 3, 3}, false, autograd.Conv{Padding: 1, Groups: 4}, 5},
	{"depthwise, stride 2, bias", []int64{1, 4, 5, 5}, []int64{4, 1, 3, 3}, true, autograd.Conv{Stride: 2, Padding: 1, Groups: 4}, 3},
	{"two groups", []int64{1, 4, 4, 4}, []int64{6, 2, 3, 3}, true, autograd.Conv{Groups: 2}, 2},
	{"not square", []int64{1, 1, 7, 4}, []int64{2, 1, 2, 2}, false, autograd.Conv{Stride: 2}, 3},
	{"kernel 5, padding 2", []int64{1, 2, 3, 3}, []int64{2, 2, 5, 5}, false, autograd.Conv{Padding: 2}, 3},
}

// TestConv2d compares with the definition (seven loops) in both memory layouts.
func TestConv2d(t *testing.T) {
	for _, c := range convCases {
		t.Run(c.name, func(t *testing.T) {
			x, w, b := random(1, c.x...), random(2, c.w...), array{}
			if c.bias {
				b = random(3, c.w[0])
			}
			want := convolve(x, w, b, c.conv)
			autogradtest.Run(t, func(s *autograd.Scope) {
				var bias *autograd.Tensor
				if c.bias {
					bias = b.tensor(s)
				}
				for name, in := range map[string]*autograd.Tensor{"row-major": x.tensor(s), "channels last": s.ChannelsLast(x.tensor(s))} {
					out := s.Conv2d(in, w.tensor(s), bias, c.conv)
					if got := out.Shape(); !slices.Equal(got, want.shape) || got[2] != c.wantHeight {
						t.Errorf("%s: shape %v, want %v of height %d", name, got, want.shape, c.wantHeight)
					}
					checkClose(t, name, autograd.ToSlice[float64](s, out), want.data, 1e-13) // sums of up to 50 float64 products
				}
			})
		})
	}
}

// convolve implements the definition of a convolution.
func convolve(x, w, b array, c autograd.Conv) array {
	stride, groups := max(c.Stride, 1), max(c.Groups, 1)
	n, height, width := x.shape[0], x.shape[2], x.shape[3]
	outs, ins, kh, kw := w.shape[0], w.shape[1], w.shape[2], w.shape[3]
	h, v := (height+2*c.Padding-kh)/stride+1, (width+2*c.Padding-kw)/stride+1
	y := array{shape: []int64{n, outs, h, v}}
	at := func(i, ch, row, col int64) float64 {
		if row < 0 || row >= height || col < 0 || col >= width {
			return 0
		}
		return x.data[((i*x.shape[1]+ch)*height+row)*width+col]
	}
	for i := range n {
		for o := range outs {
			for row := range h {
				for col := range v {
					sum := 0.0
					if b.data != nil {
						sum = b.data[o]
					}
					for ch := range ins {
						for p := range kh {
							for q := range kw {
								in := o/(outs/groups)*ins + ch
								sum += at(i, in, row*stride+p-c.Padding, col*stride+q-c.Padding) * w.data[((o*ins+ch)*kh+p)*kw+q]
							}
						}
					}
					y.data = append(y.data, sum)
				}
			}
		}
	}
	return y
}
