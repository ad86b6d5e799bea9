package suite

import (
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
)

// weightedLosses are losses with class weights, focal losses, and both, of labels and of mixed rows, by the operations
// of libtorch and fused.
func weightedLosses(logits []Input, labels []int64) []Case {
	weights := []float64{0.5, 2, 1, 0.25, 3}
	var list []Case
	for _, l := range []autograd.CrossEntropy{
		{ClassWeights: weights},
		{ClassWeights: weights, LabelSmoothing: 0.1},
		{Gamma: 2},
		{Gamma: 0.5, LabelSmoothing: 0.1},
		{Gamma: 3, ClassWeights: weights, LabelSmoothing: 0.1},
	} {
		for _, t := range []autograd.Targets{{Labels: labels, Lambda: 1}, {Labels: labels, MixedLabels: []int64{0, 0, 4}, Lambda: 0.7}} {
			list = append(list, weightedLoss("fused", l, logits, t), weightedLoss("unfused", l, logits, t))
		}
	}
	return list
}

// weightedLoss is a fused or unfused loss.
func weightedLoss(form string, l autograd.CrossEntropy, logits []Input, t autograd.Targets) Case {
	classes := int(logits[0].Shape[1])
	soft := oracle.OneHot(t.Labels, classes)
	for i, partner := range t.MixedLabels {
		soft.Data[i*classes+int(t.Labels[i])] *= t.Lambda
		soft.Data[i*classes+int(partner)] += 1 - t.Lambda
	}
	want := oracle.FocalLoss{Smoothing: l.LabelSmoothing, Weights: l.ClassWeights, Gamma: l.Gamma, Total: l.Denominator(t)}
	if want.Weights == nil {
		want.Weights = oracle.Full(1, int64(classes)).Data
	}
	compute := func(s *autograd.Scope, logits *autograd.Tensor) *autograd.Tensor {
		switch {
		case form == "fused":
			loss, _ := l.Fused(s, logits, t)
			return loss
		case len(t.MixedLabels) > 0:
			return l.SoftLoss(s, logits, like(s, autograd.FromSlice(s, soft.Data, soft.Shape...), logits))
		}
		return l.Loss(s, logits, s.ToDevice(autograd.FromSlice(s, t.Labels, int64(len(t.Labels))), logits.Device()))
	}
	return Case{
		Name:   fmt.Sprintf("%s loss, %d class weights, gamma %v, smoothing %v, %d mixed rows", form, len(l.ClassWeights), l.Gamma, l.LabelSmoothing, len(t.MixedLabels)),
		Inputs: logits, FullPrecision: true, CPUOnly: form == "fused",
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			return s.Reshape(compute(s, in[0]), 1, 1)
		},
		Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
			return []*oracle.Node{want.Loss(g, in[0], soft)}
		},
	}
}
