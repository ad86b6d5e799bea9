package backend

import (
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/models"
)

// TestCUDAFusions: which layers a residual connection is added by, and which leave their activation to the next; and the
// result is libtorch's whatever is fused.
func TestCUDAFusions(t *testing.T) {
	bn := models.BatchNorm{}
	conv := func(x *models.Node) *models.Node { return x.Conv(models.Conv{Out: 8}).BatchNorm(bn) }
	filter := func(x *models.Node) *models.Node { return x.DepthwiseConv(models.Conv{Kernel: 3}).BatchNorm(bn) }
	for _, tc := range []struct {
		name              string
		layers            func(x *models.Node) *models.Node // of a node with 8 channels, place 0
		adds, activations []int                             // places of the layers that add, and that leave their activation
	}{
		{"block", func(x *models.Node) *models.Node { return conv(filter(conv(x).ReLU6()).ReLU6()).Add(x) }, []int{3}, []int{1}},
		{"sum the other way round", func(x *models.Node) *models.Node { return x.Add(conv(x)) }, []int{1}, nil},
		{"activation before the sum", func(x *models.Node) *models.Node { return conv(x).ReLU().Add(x) }, nil, nil},
		{"activation after the sum", func(x *models.Node) *models.Node { return conv(x).Add(x).ReLU() }, nil, nil},
		{"read twice", func(x *models.Node) *models.Node { y := conv(x); return y.Add(x).Add(y) }, nil, nil},
		{"added to itself", func(x *models.Node) *models.Node { y := conv(x); return y.Add(y) }, nil, nil},
		{"activation read twice", func(x *models.Node) *models.Node { y := conv(x).ReLU6(); return filter(y).Add(y) }, []int{2}, nil},
		{"depthwise after depthwise", func(x *models.Node) *models.Node { return filter(filter(x).ReLU()).ReLU() }, nil, nil},
		{"window that the kernels lack", func(x *models.Node) *models.Node {
			return conv(x).ReLU().DepthwiseConv(models.Conv{Kernel: 7}).BatchNorm(bn)
		}, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := build(t, func(x *models.Node) *models.Node {
				return head(tc.layers(x.Conv(models.Conv{Out: 8, Kernel: 3, Stride: 2}).BatchNorm(bn).ReLU()))
			})
			autogradtest.Run(t, func(s *autograd.Scope) {
				n := New(s, g, 1)
				var adds, activations []int
				x := s.Zeros(autograd.Float32, autograd.CPU, 1, 8, 8, 8)
				for at, l := range n.layers {
					if n.addsResidual(at, len(n.layers)) {
						adds = append(adds, at)
					}
					if c, ok := cudaConv(l, x); ok && n.leavesActivation(at, len(n.layers), c, x) {
						activations = append(activations, at)
					}
				}
				if !slices.Equal(adds, tc.adds) || !slices.Equal(activations, tc.activations) {
					t.Errorf("layers %v add, %v leave their activation; want %v and %v", adds, activations, tc.adds, tc.activations)
				}
				p := noisePixels(3, 16, 16)
				checkNear(t, "inference", autograd.ToSlice[float32](s, CUDA{}.Inference(s, n, autograd.Float32).ForwardPixels(s, p)),
					autograd.ToSlice[float32](s, Torch{}.Inference(s, n, autograd.Float32).ForwardPixels(s, p)))
			})
			want, got := trainingPass(t, Torch{}, g, 16, autograd.Float64), trainingPass(t, CUDA{}, g, 16, autograd.Float32)
			for i := range want {
				if d := relative(got[i].values, want[i].values); !(d <= 1e-3) && norm(want[i].values) > 1e-6 {
					t.Errorf("%s: differs by %.1e of its norm", got[i].name, d)
				}
			}
		})
	}
}
