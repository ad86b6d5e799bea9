package suite

import (
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
	"depthwise.dev/models/mobilenet"
)

// Layers are the cases of the network's layers and losses, small ones of every kind that a configuration can ask for.
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
		{name: "stem, TensorFlow's padding", x: []int64{2, 3, 6, 6}, w: []int64{4, 3, 3, 3}, stride: 2, pad: [4]int{0, 0, 1, 1}},
		{name: "convolution with bias, oblong", x: []int64{1, 2, 4, 6}, w: []int64{3, 2, 3, 3}, bias: true, pad: [4]int{1, 1, 1, 1}},
		{name: "pointwise", x: []int64{2, 3, 3, 3}, w: []int64{5, 3, 1, 1}},
		{name: "depthwise", x: []int64{2, 4, 5, 5}, w: []int64{4, 1, 3, 3}, groups: 4, pad: [4]int{1, 1, 1, 1}},
		{name: "depthwise, stride 2, bias", x: []int64{2, 4, 6, 5}, w: []int64{4, 1, 3, 3}, bias: true, stride: 2, groups: 4,
			pad: [4]int{1, 1, 1, 1}},
		{name: "depthwise, TensorFlow's padding", x: []int64{2, 4, 6, 6}, w: []int64{4, 1, 3, 3}, stride: 2, groups: 4, pad: [4]int{0, 0, 1, 1}},
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
		for _, eps := range []float64{1e-5, 1e-3} { // gorgonia's own batch norm takes one for the other
			name := fmt.Sprintf("batch norm, %s, eps %v", modeName(mode), eps)
			list = append(list, normalization(name, normInputs("", Draw("image", -1, 2, 2, 3, 4, 4)), mode, 0.1, eps))
		}
	}
	list = append(list, separable())
	return append(list, losses()...)
}

// convolution is a case over the inputs x, weight and, where there is one, bias.
func convolution(name string, inputs []Input, c oracle.Conv) Case {
	return Case{Name: name, Inputs: inputs,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			return padded(s, in[0], in[1], append(in, nil)[2], c)
		},
		Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
			return []*oracle.Node{g.Conv2d(in[0], in[1], append(in, nil)[2], c)}
		}}
}

// padded convolves with autograd, padding apart where both ends differ, as mobilenet's forward pass does.
func padded(s *autograd.Scope, x, w, b *autograd.Tensor, c oracle.Conv) *autograd.Tensor {
	conv := autograd.Conv{Stride: int64(c.Stride), Groups: int64(c.Groups)}
	if c.Top == c.Bottom && c.Left == c.Right && c.Top == c.Left {
		conv.Padding = int64(c.Top)
	} else {
		x = s.Pad2d(x, int64(c.Left), int64(c.Right), int64(c.Top), int64(c.Bottom))
	}
	return s.Conv2d(x, w, b, conv)
}

// normInputs are those of normalization, for images x; names begin with the prefix.
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

// separable is the paper's block without its normalizations: depthwise, activation, pointwise.
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

// losses are cross entropies of labels and of distributions, smoothed and not.
func losses() []Case {
	logits := []Input{{Name: "logits", Array: Draw("logits", -3, 3, 3, 5), Activation: true}}
	labels := []int64{4, 0, 2}
	soft := Draw("targets", 0, 1, 3, 5)
	for i := 0; i < len(soft.Data); i += 5 {
		sum := 0.0
		for _, v := range soft.Data[i : i+5] {
			sum += v
		}
		for j := range 5 {
			soft.Data[i+j] /= sum
		}
	}
	var list []Case
	for _, smoothing := range []float64{0, 0.1} {
		list = append(list, crossEntropy(fmt.Sprintf("cross entropy, smoothing %v", smoothing), logits, labels, smoothing),
			Case{Name: fmt.Sprintf("soft cross entropy, smoothing %v", smoothing), Inputs: logits, FullPrecision: true,
				Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
					targets := s.To(autograd.FromSlice(s, soft.Data, soft.Shape...), in[0].DType())
					return s.Reshape(autograd.CrossEntropy{LabelSmoothing: smoothing}.SoftLoss(s, in[0], targets), 1, 1)
				},
				Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
					return []*oracle.Node{g.CrossEntropy(in[0], soft, smoothing)}
				}},
			fusedCrossEntropy(logits, autograd.Targets{Labels: labels, Lambda: 1}, smoothing),
			fusedCrossEntropy(logits, autograd.Targets{Labels: labels, MixedLabels: []int64{0, 0, 4}, Lambda: 0.7}, smoothing))
	}
	return list
}

// fusedCrossEntropy is the loss in one operation.
func fusedCrossEntropy(logits []Input, t autograd.Targets, smoothing float64) Case {
	classes := int(logits[0].Shape[1])
	soft := oracle.OneHot(t.Labels, classes)
	for i, label := range t.MixedLabels {
		soft.Data[i*classes+int(t.Labels[i])] *= t.Lambda
		soft.Data[i*classes+int(label)] += 1 - t.Lambda
	}
	return Case{Name: fmt.Sprintf("fused cross entropy, %d mixed rows, smoothing %v", len(t.MixedLabels), smoothing), Inputs: logits, FullPrecision: true,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			loss, _ := autograd.CrossEntropy{LabelSmoothing: smoothing}.Fused(s, in[0], t)
			return s.Reshape(loss, 1, 1)
		},
		Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
			return []*oracle.Node{g.CrossEntropy(in[0], soft, smoothing)}
		}}
}

// crossEntropy is the loss of logits (N, classes).
func crossEntropy(name string, logits []Input, labels []int64, smoothing float64) Case {
	return Case{Name: name, Inputs: logits, FullPrecision: true,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			targets := autograd.FromSlice(s, labels, int64(len(labels)))
			return s.Reshape(autograd.CrossEntropy{LabelSmoothing: smoothing}.Loss(s, in[0], targets), 1, 1)
		},
		Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
			classes := 1
			if in[0] != nil && in[0].Dims() == 2 {
				classes = in[0].Shape()[1]
			}
			return []*oracle.Node{g.CrossEntropy(in[0], oracle.OneHot(labels, classes), smoothing)}
		}}
}

// activation is the configured one.
func activation(name, kind string, x Input) Case {
	kinks := []float64{0}
	if kind == mobilenet.ReLU6 {
		kinks = []float64{0, 6}
	}
	return Case{Name: name, Inputs: []Input{x}, Kinks: kinks,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			if kind == mobilenet.ReLU6 {
				return s.ReLU6(in[0])
			}
			return s.ReLU(in[0])
		},
		Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
			return []*oracle.Node{g.Activation(in[0], kind)}
		}}
}

func modeName(mode autograd.Mode) string {
	if mode == autograd.Training {
		return "training"
	}
	return "evaluation"
}
