package mobilenet

import (
	"math"

	"depthwise.dev/autograd"
)

// Kernels says what computes the convolutions with their batch norms and activations.
type Kernels string

const (
	// Torch is libtorch's operations one after another, on any device and in any type: the reference.
	Torch Kernels = "torch"
	// Fused is [autograd.Backbone]: the whole of it one operation, in float32 or bfloat16 on the CPU.
	Fused Kernels = "fused"
)

// fused reports whether the fused kernels compute the backbone. Hooks want the layers' outputs, which only the torch kernels
// have one by one.
func (n *Network) fused() bool { return n.Kernels == Fused && !n.Hooked() }

// backbone is the backbone of the table for images of a size.
func (n *Network) backbone(height, width int) autograd.Backbone {
	t := autograd.Backbone{Cap: math.Inf(1), Eps: n.Config.BNEps, Momentum: n.Config.BNMomentum, Times: n.Times}
	if n.Config.Activation == ReLU6 {
		t.Cap = 6
	}
	kinds := map[Kind]autograd.BackboneLayer{Conv: {Kind: autograd.StemLayer}, Depthwise: {Kind: autograd.DepthwiseLayer},
		Pointwise: {Kind: autograd.PointwiseLayer}}
	for _, u := range n.units {
		l := kinds[u.layer.Kind]
		l.In, l.Out, l.Stride, l.Bias = u.layer.In, u.layer.Out, u.layer.Stride, u.layer.Bias
		rows, columns := u.layer.padding(n.Config.Padding, height), u.layer.padding(n.Config.Padding, width)
		l.Height, l.Width, l.Top, l.Left = height, width, rows.Before, columns.Before
		height, width = u.layer.outSize(rows, height), u.layer.outSize(columns, width)
		l.OutHeight, l.OutWidth = height, width
		t.Layers = append(t.Layers, l)
	}
	return t
}

// size is the height and width of images x, where x is no batch of images those of the configuration: the operation that is
// given x says what is wrong with it.
func (n *Network) size(x *autograd.Tensor) (height, width int) {
	if shape := x.Shape(); len(shape) == 4 {
		return int(shape[2]), int(shape[3])
	}
	return n.Config.Resolution, n.Config.Resolution
}

// ForwardPixels is Forward of images as a loader leaves them, on the network's device and normalized to (v/255 - Mean)/Std:
// the same bits. The fused kernels read the pixels themselves.
func (n *Network) ForwardPixels(s *autograd.Scope, p autograd.Pixels, mode autograd.Mode) *autograd.Tensor {
	if !n.fused() {
		x := s.NormalizeImages(p.Values, p.N, p.Height, p.Width, p.Mean, p.Std, n.head.weight.Device())
		return n.Forward(s, s.To(x, n.head.weight.DType()), mode)
	}
	parameters, statistics := n.backboneTensors()
	return n.classify(s, n.backbone(p.Height, p.Width).ForwardPixels(s, p, parameters, statistics, mode), mode)
}

// features is the pooled output of the backbone (N, channels) by the fused kernels.
func (n *Network) features(s *autograd.Scope, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	parameters, statistics := n.backboneTensors()
	height, width := n.size(x)
	return n.backbone(height, width).Forward(s, x, parameters, statistics, mode)
}

// backboneTensors are the backbone's parameters and running statistics in the order that [autograd.Backbone] takes them.
func (n *Network) backboneTensors() (parameters, statistics []*autograd.Tensor) {
	for _, u := range n.units {
		parameters = append(parameters, u.weight)
		if u.bias != nil {
			parameters = append(parameters, u.bias)
		}
		parameters = append(parameters, u.norm.Weight, u.norm.Bias)
		statistics = append(statistics, u.norm.Mean, u.norm.Var)
	}
	return parameters, statistics
}
