package autograd

import (
	lib "github.com/sugarme/gotch/libtch"
)

// libtorch's numbers for Reduction and its default for classes to leave out.
const (
	reductionMean = 1
	ignoreIndex   = -100
)

// CrossEntropy is the loss -sum(target * log softmax(logits)), the mean over the batch, computed in float32 or float64.
type CrossEntropy struct {
	LabelSmoothing float64 // e: the target becomes (1-e) * one-hot + e / classes (https://arxiv.org/abs/1512.00567)
}

// Loss takes logits (N, classes) and labels (N) int64, and returns a scalar.
func (l CrossEntropy) Loss(s *Scope, logits, labels *Tensor) *Tensor {
	return l.loss(s, "cross entropy", logits, labels)
}

// SoftLoss takes logits and targets (N, classes), whose rows are distributions, and returns a scalar.
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
