package autograd

import (
	"fmt"

	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// libtorch's Reduction::Mean, and its default for ignore_index.
const (
	reductionMean = 1
	ignoreIndex   = -100
)

// CrossEntropy is the loss -sum(target * log softmax(logits)), averaged over the batch, computed in
// float32 or float64.
type CrossEntropy struct {
	LabelSmoothing float64 // e: the target becomes (1-e) * one-hot + e / classes (https://arxiv.org/abs/1512.00567)
}

// Loss takes logits (N, classes) and labels (N) int64, and returns a scalar.
func (l CrossEntropy) Loss(s *Scope, logits, labels *Tensor) *Tensor {
	return l.loss(s, "cross entropy", logits, labels)
}

// SoftLoss takes logits and targets (N, classes), whose rows are distributions, and returns a
// scalar.
func (l CrossEntropy) SoftLoss(s *Scope, logits, targets *Tensor) *Tensor {
	return l.loss(s, "soft cross entropy", logits, targets)
}

func (l CrossEntropy) loss(s *Scope, name string, logits, target *Tensor) *Tensor {
	if logits.DType() == BFloat16 {
		logits = s.To(logits, Float32)
	}
	return s.op(name, []*Tensor{logits, target}, func(out *lib.Ctensor) {
		lib.AtgCrossEntropyLoss(out, logits.c, target.c, nil, reductionMean, ignoreIndex, l.LabelSmoothing)
	})
}

// Targets are the labels of a batch's rows of logits.
type Targets struct {
	Labels []int64
	// MixedLabels are the second labels of mixed rows: the target is Lambda of the row's own label
	// and 1 - Lambda of its mixed label. Empty: no row was mixed.
	MixedLabels []int64
	Lambda      float64
}

// CrossEntropyResult is the loss and the number of correct rows of a batch.
type CrossEntropyResult struct {
	Loss    float64 // the value of the loss
	Correct int     // rows whose unique largest logit is that of the label with the larger weight (the own label at 0.5)
}

// Fused is Loss, or SoftLoss of mixed rows, in one native call on the CPU, together with the loss's
// value and the number of correct rows: logits (N, classes) in float32, float64 or bfloat16, labels
// from 0 to classes-1. There are no second derivatives.
func (l CrossEntropy) Fused(s *Scope, logits *Tensor, t Targets) (loss *Tensor, result CrossEntropyResult) {
	const name = "fused cross entropy"
	if !s.ready(name, logits) {
		return nil, CrossEntropyResult{}
	}
	if len(t.MixedLabels) > 0 && len(t.MixedLabels) != len(t.Labels) {
		s.Fail(fmt.Errorf("autograd: %s(%v): %d labels and %d mixed labels", name, logits, len(t.Labels), len(t.MixedLabels)))
		return nil, CrossEntropyResult{}
	}
	targets := native.Targets{Labels: t.Labels, MixedLabels: t.MixedLabels, Lambda: t.Lambda, Smoothing: l.LabelSmoothing}
	c, out, err := native.CrossEntropy(native.Tensor(logits.c), targets)
	return s.made(name, []*Tensor{logits}, c, err), CrossEntropyResult(out)
}
