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
	// Fused is [autograd.Trunk]: the whole of it one operation, in float32 or bfloat16 on the CPU.
	Fused Kernels = "fused"
)

// fused reports whether the fused kernels compute the trunk. Hooks want the layers' outputs, which only the torch kernels
// have one by one.
func (n *Network) fused() bool { return n.Kernels == Fused && !n.Hooked() }

// trunk is the trunk of the table for images of a size.
func (n *Network) trunk(height, width int) autograd.Trunk {
	t := autograd.Trunk{Cap: math.Inf(1), Eps: n.Config.BNEps, Momentum: n.Config.BNMomentum}
	if n.Config.Activation == ReLU6 {
		t.Cap = 6
	}
	kinds := map[Kind]autograd.TrunkLayer{Conv: {Kind: autograd.StemLayer}, Depthwise: {Kind: autograd.DepthwiseLayer},
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

// features is the pooled output of the trunk (N, channels) by the fused kernels.
func (n *Network) features(s *autograd.Scope, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	height, width := n.Config.Resolution, n.Config.Resolution
	if shape := x.Shape(); len(shape) == 4 { // else the operation says what is wrong with x
		height, width = int(shape[2]), int(shape[3])
	}
	var parameters, statistics []*autograd.Tensor
	for _, u := range n.units {
		parameters = append(parameters, u.weight)
		if u.bias != nil {
			parameters = append(parameters, u.bias)
		}
		parameters = append(parameters, u.norm.Weight, u.norm.Bias)
		statistics = append(statistics, u.norm.Mean, u.norm.Var)
	}
	return n.trunk(height, width).Forward(s, x, parameters, statistics, mode)
}
