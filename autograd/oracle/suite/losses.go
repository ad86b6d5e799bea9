package suite

import (
	"fmt"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
)

// losses are cross entropies of labels and of distributions, with and without label smoothing.
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
					targets := like(s, autograd.FromSlice(s, soft.Data, soft.Shape...), in[0])
					return s.Reshape(autograd.CrossEntropy{LabelSmoothing: smoothing}.SoftLoss(s, in[0], targets), 1, 1)
				},
				Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
					return []*oracle.Node{g.CrossEntropy(in[0], soft, smoothing)}
				}},
			fusedCrossEntropy(logits, autograd.Targets{Labels: labels, Lambda: 1}, smoothing),
			fusedCrossEntropy(logits, autograd.Targets{Labels: labels, MixedLabels: []int64{0, 0, 4}, Lambda: 0.7}, smoothing))
	}
	return slices.Concat(list, weightedLosses(logits, labels), binaryCrossEntropies(logits))
}

// binaryCrossEntropies are losses of independent classes, of multi-hot and of mixed targets.
func binaryCrossEntropies(logits []Input) []Case {
	hot := oracle.Array{Shape: []int64{3, 5}, Data: []float64{1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1}}
	weights := []float32{1, 0.5, 3, 20, 1.25}
	return []Case{
		binaryCrossEntropy("multi-hot", logits, hot, autograd.BinaryCrossEntropy{}),
		binaryCrossEntropy("mixed targets", logits, Draw("mixed", 0, 1, 3, 5), autograd.BinaryCrossEntropy{}),
		binaryCrossEntropy("smoothing 0.1", logits, hot, autograd.BinaryCrossEntropy{LabelSmoothing: 0.1}),
		binaryCrossEntropy("weights of classes, smoothing 0.2", logits, hot, autograd.BinaryCrossEntropy{LabelSmoothing: 0.2, PosWeight: weights}),
	}
}

// binaryCrossEntropy is one of them: with logarithms of sigmoids as -log(1 + exp(-x)) and -log(1 + exp(x)).
func binaryCrossEntropy(name string, logits []Input, targets oracle.Array, l autograd.BinaryCrossEntropy) Case {
	classes := len(targets.Data) / int(targets.Shape[0])
	with, without := oracle.Full(0, targets.Shape...), oracle.Full(0, targets.Shape...)
	for i, t := range targets.Data {
		t = (1-l.LabelSmoothing)*t + l.LabelSmoothing/float64(classes)
		with.Data[i], without.Data[i] = t, 1-t
		if l.PosWeight != nil {
			with.Data[i] *= float64(l.PosWeight[i%classes])
		}
	}
	return Case{Name: "binary cross entropy, " + name, Inputs: logits, FullPrecision: true,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			t := like(s, autograd.FromSlice(s, targets.Data, targets.Shape...), in[0])
			return s.Reshape(l.Loss(s, in[0], t), 1, 1)
		},
		Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
			logSum := func(sign float64) *oracle.Node { return g.Log(g.Affine(g.Exp(g.Affine(in[0], sign, 0)), 1, 1)) }
			terms := g.Add(g.Mul(g.Constant(with), logSum(-1)), g.Mul(g.Constant(without), logSum(1)))
			return []*oracle.Node{g.Affine(g.Sum(terms), 1/float64(len(targets.Data)), 0)}
		}}
}

// fusedCrossEntropy is the loss as one operation.
func fusedCrossEntropy(logits []Input, t autograd.Targets, smoothing float64) Case {
	classes := int(logits[0].Shape[1])
	soft := oracle.OneHot(t.Labels, classes)
	for i, partner := range t.MixedLabels {
		soft.Data[i*classes+int(t.Labels[i])] *= t.Lambda
		soft.Data[i*classes+int(partner)] += 1 - t.Lambda
	}
	return Case{Name: fmt.Sprintf("fused cross entropy, %d mixed rows, smoothing %v", len(t.MixedLabels), smoothing), Inputs: logits, FullPrecision: true, CPUOnly: true,
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
			targets := s.ToDevice(autograd.FromSlice(s, labels, int64(len(labels))), in[0].Device())
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
