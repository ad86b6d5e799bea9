package suite

import (
	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
)

// fusedConvs are the cases of a convolution with batch norm in training and an activation as one operation, of each kind of
// convolution that its kernels tell apart.
func fusedConvs() []Case {
	var list []Case
	for _, k := range []struct {
		name       string
		x, w       []int64
		conv       oracle.Conv
		activation autograd.FusedActivation
		residual   bool
	}{
		{name: "depthwise", x: []int64{2, 8, 5, 4}, w: []int64{8, 1, 3, 3}, conv: oracle.Conv{Groups: 8, Top: 1, Left: 1, Bottom: 1, Right: 1}},
		{name: "depthwise, ReLU6, TensorFlow padding", x: []int64{2, 8, 6, 6}, w: []int64{8, 1, 3, 3}, activation: autograd.ReLU6Activation,
			conv: oracle.Conv{Stride: 2, Groups: 8, Bottom: 1, Right: 1}},
		{name: "depthwise 5x5, ReLU, residual", x: []int64{2, 16, 5, 5}, w: []int64{16, 1, 5, 5}, activation: autograd.ReLUActivation, residual: true,
			conv: oracle.Conv{Groups: 16, Top: 2, Left: 2, Bottom: 2, Right: 2}},
		{name: "depthwise 5x5, stride 2", x: []int64{1, 8, 7, 8}, w: []int64{8, 1, 5, 5}, conv: oracle.Conv{Stride: 2, Groups: 8, Top: 2, Left: 1, Bottom: 2, Right: 2}},
		{name: "pointwise, residual", x: []int64{2, 5, 4, 3}, w: []int64{8, 5, 1, 1}, residual: true},
		{name: "pointwise, ReLU", x: []int64{2, 8, 3, 3}, w: []int64{16, 8, 1, 1}, activation: autograd.ReLUActivation},
		{name: "stem, ReLU6", x: []int64{2, 3, 6, 6}, w: []int64{8, 3, 3, 3}, activation: autograd.ReLU6Activation, conv: oracle.Conv{Stride: 2, Bottom: 1, Right: 1}},
		{name: "two groups", x: []int64{2, 4, 5, 4}, w: []int64{8, 2, 3, 3}, conv: oracle.Conv{Groups: 2, Top: 1, Left: 1, Bottom: 1, Right: 1}},
		{name: "6 channels", x: []int64{2, 6, 5, 4}, w: []int64{6, 1, 3, 3}, activation: autograd.ReLUActivation, conv: oracle.Conv{Groups: 6, Top: 1, Left: 1, Bottom: 1, Right: 1}},
	} {
		channels := k.w[0]
		inputs := append(normInputs("", Draw("x", -1, 1, k.x...)), Input{Name: "filter", Array: Draw("filter", -1, 1, k.w...), ScaleFrom: "weight"})
		for i := range inputs[1:5] {
			inputs[1+i].Array = normInputs("", oracle.Array{Shape: []int64{1, channels}})[1+i].Array
		}
		if k.residual {
			h, w := outputSize(k.x[2], k.w[2], k.conv.Stride, k.conv.Top+k.conv.Bottom), outputSize(k.x[3], k.w[3], k.conv.Stride, k.conv.Left+k.conv.Right)
			inputs = append(inputs, Input{Name: "residual", Array: Draw("residual", -1, 1, k.x[0], channels, h, w), Activation: true})
		}
		list = append(list, fusedConvCase("fused convolution: "+k.name, inputs, k.conv, k.activation))
	}
	return list
}

func outputSize(in, kernel int64, stride, padding int) int64 {
	return (in+int64(padding)-kernel)/int64(max(stride, 1)) + 1
}

// fusedConvCase is a case over the inputs of normalization, the convolution's weight and, if there is one, the residual.
func fusedConvCase(name string, inputs []Input, c oracle.Conv, activation autograd.FusedActivation) Case {
	const momentum, eps = 0.1, 1e-3
	return Case{Name: name, Inputs: inputs,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			bn := autograd.BatchNorm{Weight: in[1], Bias: in[2], Mean: in[3], Var: in[4], Momentum: momentum, Eps: eps}
			conv := autograd.FusedConv{Stride: int64(c.Stride), Groups: int64(c.Groups), Activation: activation, Padding: autograd.Sides{
				Left: int64(c.Left), Right: int64(c.Right), Top: int64(c.Top), Bottom: int64(c.Bottom)}}
			return conv.Forward(s, in[0], in[5], nil, bn, append(in, nil)[6])
		},
		Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
			bn := oracle.BatchNorm{Weight: in[1], Bias: in[2], Mean: in[3], Var: in[4], Momentum: momentum, Eps: eps}
			y, mean, variance := bn.Train(g, g.Conv2d(in[0], in[5], nil, c))
			switch activation {
			case autograd.ReLUActivation:
				y = g.ReLU(y)
			case autograd.ReLU6Activation:
				y = g.ReLU6(y)
			}
			if len(in) > 6 {
				y = g.Add(y, in[6])
			}
			return []*oracle.Node{y, mean, variance}
		}}
}
