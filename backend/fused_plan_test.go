package backend

import (
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/models"
)

// separable is a stem and blocks, as the kernels compute them.
func separable(x *models.Node, blocks int) *models.Node {
	norm := models.BatchNorm{}
	x = x.Conv(models.Conv{Out: 8, Kernel: 3, Stride: 2}).Named("stem").BatchNorm(norm).ReLU()
	for range blocks {
		x = x.DepthwiseConv(models.Conv{Kernel: 3}).BatchNorm(norm).ReLU().Conv(models.Conv{Out: 8}).BatchNorm(norm).ReLU()
	}
	return x
}

func TestFusedPlan(t *testing.T) {
	norm := models.BatchNorm{}
	for _, tc := range []struct {
		name  string
		build func(x *models.Node) *models.Node
		want  string // "": the kernels compute it
	}{
		{"one block", func(x *models.Node) *models.Node { return head(separable(x, 1)) }, ""},
		{"three blocks, dropout twice, no bias", func(x *models.Node) *models.Node {
			return separable(x, 3).GlobalAvgPool().Dropout(0.1).Dropout(0.2).Linear(models.Linear{Out: 2, NoBias: true})
		}, ""},
		{"no block", func(x *models.Node) *models.Node { return head(separable(x, 0)) }, "this graph is another"},
		{"half a block", func(x *models.Node) *models.Node {
			return head(separable(x, 1).DepthwiseConv(models.Conv{Kernel: 3}).BatchNorm(norm).ReLU())
		}, "this graph is another"},
		{"no pool", func(x *models.Node) *models.Node { return separable(x, 1).Flatten().Linear(models.Linear{Out: 2}) }, "layer flatten: the fused kernels compute no layers of kind flatten"},
		{"residual", func(x *models.Node) *models.Node {
			x = separable(x, 1)
			return head(x.DepthwiseConv(models.Conv{Kernel: 3}).BatchNorm(norm).ReLU().Add(x))
		}, "layer add: the fused kernels compute no residual connections"},
		{"max pool", func(x *models.Node) *models.Node { return head(separable(x, 1).MaxPool(models.Pool{Kernel: 2})) }, "layer max_pooling2d: the fused kernels compute no layers of kind max_pool"},
		{"linear bottleneck", func(x *models.Node) *models.Node {
			return head(separable(x, 1).DepthwiseConv(models.Conv{Kernel: 3}).BatchNorm(norm).ReLU().Conv(models.Conv{Out: 4}).BatchNorm(norm))
		}, "layer conv2d_2: the fused kernels compute convolutions with batch norm and ReLU or ReLU6 only"},
		{"no norm", func(x *models.Node) *models.Node { return head(x.Conv(models.Conv{Out: 8, Kernel: 3}).ReLU()) }, "layer conv2d: the fused kernels compute convolutions with batch norm and ReLU or ReLU6 only"},
		{"two activations", func(x *models.Node) *models.Node {
			return head(separable(x, 1).DepthwiseConv(models.Conv{Kernel: 3}).BatchNorm(norm).ReLU6())
		}, "one batch norm epsilon and momentum and one activation in all layers"},
		{"two epsilons", func(x *models.Node) *models.Node {
			return head(separable(x, 1).DepthwiseConv(models.Conv{Kernel: 3}).BatchNorm(models.BatchNorm{Eps: 1e-3}).ReLU())
		}, "one batch norm epsilon and momentum and one activation in all layers"},
		{"stride 3", func(x *models.Node) *models.Node {
			return head(separable(x, 1).DepthwiseConv(models.Conv{Kernel: 3, Stride: 3}).BatchNorm(norm).ReLU())
		}, "strides 1 and 2, not 3"},
		{"a 5x5 stem", func(x *models.Node) *models.Node {
			return head(x.Conv(models.Conv{Out: 8, Kernel: 5}).BatchNorm(norm).ReLU())
		}, "begin with a 3x3 convolution of three channels"},
		{"a 5x5 depthwise convolution", func(x *models.Node) *models.Node {
			return head(separable(x, 1).DepthwiseConv(models.Conv{Kernel: 5}).BatchNorm(norm).ReLU())
		}, "layer depthwise_conv2d_1: the fused kernels compute a 3x3 depthwise convolution here, not depthwise 5x5"},
		{"expansion first", func(x *models.Node) *models.Node {
			return head(separable(x, 0).Conv(models.Conv{Out: 16}).BatchNorm(norm).ReLU())
		}, "layer conv2d_1: the fused kernels compute a 3x3 depthwise convolution here, not pointwise 1x1"},
		{"full convolution in a block", func(x *models.Node) *models.Node {
			x = separable(x, 0).DepthwiseConv(models.Conv{Kernel: 3}).BatchNorm(norm).ReLU()
			return head(x.Conv(models.Conv{Out: 8, Kernel: 3}).BatchNorm(norm).ReLU())
		}, "layer conv2d_1: the fused kernels compute a pointwise convolution here, not conv 3x3"},
		{"activation behind the pool", func(x *models.Node) *models.Node {
			return separable(x, 1).GlobalAvgPool().ReLU().Linear(models.Linear{Out: 2})
		}, "layer global_average_pooling2d: the fused kernels have no activation behind the pool"},
		{"a hidden layer", func(x *models.Node) *models.Node {
			return separable(x, 1).GlobalAvgPool().Linear(models.Linear{Out: 4}).Linear(models.Linear{Out: 2})
		}, "layer dense: behind the pool the fused kernels have dropout and one linear layer, not linear"},
		{"no head", func(x *models.Node) *models.Node { return separable(x, 1).GlobalAvgPool() }, "this graph is another"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := build(t, tc.build)
			err := Fused{}.Supports(g, autograd.CPU)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
	gray, err := models.Build("gray", head(separable(models.Input(models.Shape{Channels: 1, Height: 16, Width: 16}), 1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := (Fused{}).Supports(gray, autograd.CPU); err == nil || !strings.Contains(err.Error(), "convolution of three channels") {
		t.Errorf("gray images: %v", err)
	}
	if err := (Fused{}).Supports(build(t, func(x *models.Node) *models.Node { return head(separable(x, 1)) }), autograd.CUDA(0)); err == nil || !strings.Contains(err.Error(), "on the CPU, not on cuda") {
		t.Errorf("a GPU: %v", err)
	}
}

// What Supports accepts, the kernels compute: built graphs without bias, with valid padding, and of stride 1.
func TestFusedBuiltGraphsAgree(t *testing.T) {
	norm := models.BatchNorm{Eps: 1e-3}
	for _, padding := range models.Paddings {
		t.Run(string(padding), func(t *testing.T) {
			g := build(t, func(x *models.Node) *models.Node {
				x = x.Conv(models.Conv{Out: 20, Kernel: 3, Padding: padding, Bias: true}).BatchNorm(norm).ReLU6()
				for _, stride := range []int{1, 2} {
					x = x.DepthwiseConv(models.Conv{Kernel: 3, Stride: stride, Padding: padding}).BatchNorm(norm).ReLU6()
					x = x.Conv(models.Conv{Out: 24, Bias: true}).BatchNorm(norm).ReLU6()
				}
				return x.GlobalAvgPool().Dropout(0.5).Linear(models.Linear{Out: 3, NoBias: true})
			})
			compareGraph(t, g, 19, 5)
		})
	}
}
