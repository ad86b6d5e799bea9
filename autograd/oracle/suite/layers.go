package suite

import (
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
)

// Layers returns the cases of the layers and losses: small ones of every kind and with every
// setting of a MobileNet.
func Layers() []Case {
	var list []Case
	for _, k := range []struct {
		name   string
		x, w   []int64
		bias   bool
		stride int
		groups int
		pad    [4]int // top, left, bottom, right
	}{
		{name: "convolution without padding", x: []int64{2, 3, 5, 5}, w: []int64{4, 3, 3, 3}},
		{name: "stem", x: []int64{2, 3, 6, 6}, w: []int64{4, 3, 3, 3}, stride: 2, pad: [4]int{1, 1, 1, 1}},
		{name: "stem, TensorFlow padding", x: []int64{2, 3, 6, 6}, w: []int64{4, 3, 3, 3}, stride: 2, pad: [4]int{0, 0, 1, 1}},
		{name: "convolution with bias, not square", x: []int64{1, 2, 4, 6}, w: []int64{3, 2, 3, 3}, bias: true, pad: [4]int{1, 1, 1, 1}},
		{name: "pointwise", x: []int64{2, 3, 3, 3}, w: []int64{5, 3, 1, 1}},
		{name: "depthwise", x: []int64{2, 4, 5, 5}, w: []int64{4, 1, 3, 3}, groups: 4, pad: [4]int{1, 1, 1, 1}},
		{name: "depthwise, stride 2, bias", x: []int64{2, 4, 6, 5}, w: []int64{4, 1, 3, 3}, bias: true, stride: 2, groups: 4,
			pad: [4]int{1, 1, 1, 1}},
		{name: "depthwise, TensorFlow padding", x: []int64{2, 4, 6, 6}, w: []int64{4, 1, 3, 3}, stride: 2, groups: 4, pad: [4]int{0, 0, 1, 1}},
		{name: "rows padded", x: []int64{1, 2, 4, 6}, w: []int64{3, 2, 2, 3}, pad: [4]int{2, 1, 2, 1}},
		{name: "four paddings", x: []int64{1, 2, 4, 6}, w: []int64{3, 2, 2, 3}, pad: [4]int{0, 1, 2, 3}},
		{name: "depthwise, four paddings", x: []int64{2, 3, 4, 6}, w: []int64{3, 1, 3, 2}, groups: 3, pad: [4]int{3, 1, 0, 2}},
		{name: "two groups", x: []int64{2, 4, 5, 4}, w: []int64{6, 2, 3, 2}, groups: 2},
	} {
		inputs := []Input{
			{Name: "x", Array: Draw("x", -1, 1, k.x...), Activation: true},
			{Name: "weight", Array: Draw("weight", -1, 1, k.w...)},
		}
		if k.bias {
			inputs = append(inputs, Input{Name: "bias", Array: Draw("bias", -1, 1, k.w[0])})
		}
		list = append(list, convolution(k.name, inputs, oracle.Conv{Stride: k.stride, Groups: k.groups,
			Top: k.pad[0], Left: k.pad[1], Bottom: k.pad[2], Right: k.pad[3]}))
	}
	for _, mode := range []autograd.Mode{autograd.Training, autograd.Evaluation} {
		for _, eps := range []float64{1e-5, 1e-3} { // gorgonia's own batch norm confuses the two
			name := fmt.Sprintf("batch norm, %s, eps %v", modeName(mode), eps)
			norm := normalization(name, normInputs("", Draw("image", -1, 2, 2, 3, 4, 4)), mode, 0.1, eps)
			list = append(list, norm)
			if mode == autograd.Training {
				list = append(list, synchronized(norm, 0.1, eps))
			}
		}
	}
	list = append(list, separable())
	list = append(list, fusedConvs()...)
	return append(list, losses()...)
}

// convolution is a case over the inputs x, weight and, if there is one, bias.
func convolution(name string, inputs []Input, c oracle.Conv) Case {
	return Case{Name: name, Inputs: inputs,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			return padded(s, in[0], in[1], append(in, nil)[2], c)
		},
		Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
			return []*oracle.Node{g.Conv2d(in[0], in[1], append(in, nil)[2], c)}
		}}
}

// padded convolves with autograd, with an operation of its own for padding whose sides differ, as
// package backend does.
func padded(s *autograd.Scope, x, w, b *autograd.Tensor, c oracle.Conv) *autograd.Tensor {
	conv := autograd.Conv{Stride: int64(c.Stride), Groups: int64(c.Groups)}
	if symmetric(c) {
		conv.Padding = int64(c.Top)
	} else {
		x = s.Pad2d(x, int64(c.Left), int64(c.Right), int64(c.Top), int64(c.Bottom))
	}
	return s.Conv2d(x, w, b, conv)
}

// normInputs are the inputs of normalization, for images x. Names begin with the prefix.
func normInputs(prefix string, x oracle.Array) []Input {
	channels := x.Shape[1]
	return []Input{
		{Name: "x", Array: x, Activation: true},
		{Name: prefix + "weight", Array: Draw(prefix+"norm weight", 0.5, 1.5, channels)},
		{Name: prefix + "bias", Array: Draw(prefix+"norm bias", -0.3, 0.3, channels)},
		{Name: prefix + "running_mean", Array: Draw(prefix+"running_mean", -0.3, 0.3, channels), Running: true},
		{Name: prefix + "running_var", Array: Draw(prefix+"running_var", 0.5, 2, channels), Running: true},
	}
}

// normalization is a case over normInputs.
func normalization(name string, inputs []Input, mode autograd.Mode, momentum, eps float64) Case {
	return Case{Name: name, Inputs: inputs,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			bn := autograd.BatchNorm{Weight: in[1], Bias: in[2], Mean: in[3], Var: in[4], Momentum: momentum, Eps: eps}
			return bn.Forward(s, in[0], mode)
		},
		Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
			bn := oracle.BatchNorm{Weight: in[1], Bias: in[2], Mean: in[3], Var: in[4], Momentum: momentum, Eps: eps}
			if mode == autograd.Evaluation {
				return []*oracle.Node{bn.Evaluate(g, in[0]), in[3], in[4]}
			}
			y, mean, variance := bn.Train(g, in[0])
			return []*oracle.Node{y, mean, variance}
		}}
}

// synchronized is a normalization in training by the operation that exchanges its sums with other ranks, of which there are
// none.
func synchronized(c Case, momentum, eps float64) Case {
	c.Name += ", synchronized"
	c.Torch = func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
		group, err := autograd.LocalProcessGroups(1)
		if err != nil {
			s.Fail(err)
			return nil
		}
		s.Defer(group[0].FreeLocal)
		bn := autograd.BatchNorm{Weight: in[1], Bias: in[2], Mean: in[3], Var: in[4], Momentum: momentum, Eps: eps,
			Sync: &autograd.NormSync{Group: group[0], Weight: 1}}
		return bn.Forward(s, in[0], autograd.Training)
	}
	return c
}

// separable is the block of MobileNet v1 without batch norm: depthwise convolution, activation,
// pointwise convolution.
func separable() Case {
	conv := oracle.Conv{Stride: 2, Groups: 3, Top: 1, Bottom: 1, Left: 1, Right: 1}
	return Case{Name: "depthwise separable block",
		Inputs: []Input{
			{Name: "x", Array: Draw("x", -1, 1, 2, 3, 6, 6), Activation: true},
			{Name: "depthwise", Array: Draw("depthwise", -1, 1, 3, 1, 3, 3)},
			{Name: "pointwise", Array: Draw("pointwise", -1, 1, 4, 3, 1, 1)},
		},
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			return s.Conv2d(s.ReLU6(padded(s, in[0], in[1], nil, conv)), in[2], nil, autograd.Conv{})
		},
		Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
			return []*oracle.Node{g.Conv2d(g.ReLU6(g.Conv2d(in[0], in[1], nil, conv)), in[2], nil, oracle.Conv{})}
		}}
}

func modeName(mode autograd.Mode) string {
	if mode == autograd.Training {
		return "training"
	}
	return "evaluation"
}
