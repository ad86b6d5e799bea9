package suite

import (
	"fmt"

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
					targets := s.To(autograd.FromSlice(s, soft.Data, soft.Shape...), in[0].DType())
					return s.Reshape(autograd.CrossEntropy{LabelSmoothing: smoothing}.SoftLoss(s, in[0], targets), 1, 1)
				},
				Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
					return []*oracle.Node{g.CrossEntropy(in[0], soft, smoothing)}
				}},
			fusedCrossEntropy(logits, autograd.Targets{Labels: labels, Lambda: 1}, smoothing),
			fusedCrossEntropy(logits, autograd.Targets{Labels: labels, MixedLabels: []int64{0, 0, 4}, Lambda: 0.7}, smoothing))
	}
	return append(list, weightedLosses(logits, labels)...)
}

// fusedCrossEntropy is the loss as one operation.
func fusedCrossEntropy(logits []Input, t autograd.Targets, smoothing float64) Case {
	classes := int(logits[0].Shape[1])
	soft := oracle.OneHot(t.Labels, classes)
	for i, partner := range t.MixedLabels {
		soft.Data[i*classes+int(t.Labels[i])] *= t.Lambda
		soft.Data[i*classes+int(partner)] += 1 - t.Lambda
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
