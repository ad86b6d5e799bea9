package autograd

import (
	"fmt"
	"math"

	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// libtorch's Reduction::Mean, and its default for ignore_index.
const (
	reductionMean = 1
	ignoreIndex   = -100
)

// CrossEntropy is the loss -sum(weight * target * (1-p)^gamma * log p) over the classes, where p is softmax(logits),
// averaged over the batch, computed in float32 or float64. The zero value is plain cross entropy. With class weights the
// average is that of torch.nn.CrossEntropyLoss: of labels it is weighted, the sum divided by the sum of the labels'
// weights; of distributions, such as mixed labels, the sum is divided by the number of rows.
type CrossEntropy struct {
	LabelSmoothing float64   // e: the target becomes (1-e) * one-hot + e / classes (https://arxiv.org/abs/1512.00567)
	ClassWeights   []float64 // of each class; nil: 1
	Gamma          float64   // of the focal loss (https://arxiv.org/abs/1708.02002), at least 0; 0: cross entropy
	// UploadedWeights are ClassWeights (classes), float64, on the logits' device. nil: Loss and SoftLoss copy them there.
	UploadedWeights *Tensor
}

// Denominator is what the sum over the rows of a batch is divided by.
func (l CrossEntropy) Denominator(t Targets) float64 {
	if len(l.ClassWeights) == 0 || len(t.MixedLabels) > 0 {
		return float64(len(t.Labels))
	}
	sum := 0.
	for _, label := range t.Labels {
		if label < 0 || label >= int64(len(l.ClassWeights)) {
			return math.NaN() // the loss of such a label is an error
		}
		sum += l.ClassWeights[label]
	}
	return sum
}

// Loss takes logits (N, classes) and labels (N) int64, and returns a scalar.
func (l CrossEntropy) Loss(s *Scope, logits, labels *Tensor) *Tensor {
	if l.Gamma != 0 {
		return l.focal(s, logits, labels)
	}
	return l.loss(s, "cross entropy", logits, labels)
}

// SoftLoss takes logits and targets (N, classes), whose rows are distributions, and returns a
// scalar.
func (l CrossEntropy) SoftLoss(s *Scope, logits, targets *Tensor) *Tensor {
	if l.Gamma != 0 {
		return l.focal(s, logits, targets)
	}
	return l.loss(s, "soft cross entropy", logits, targets)
}

func (l CrossEntropy) loss(s *Scope, name string, logits, target *Tensor) *Tensor {
	if logits.DType().half() {
		logits = s.To(logits, Float32)
	}
	inputs := []*Tensor{logits, target}
	var weights lib.Ctensor
	if len(l.ClassWeights) > 0 {
		w := l.weights(s, logits)
		if s.err != nil {
			return nil
		}
		inputs, weights = append(inputs, w), w.c
	}
	return s.op(name, inputs, func(out *lib.Ctensor) {
		lib.AtgCrossEntropyLoss(out, logits.c, target.c, weights, reductionMean, ignoreIndex, l.LabelSmoothing)
	})
}

// weights returns the class weights (classes) in the type and on the device of the logits.
func (l CrossEntropy) weights(s *Scope, logits *Tensor) *Tensor {
	w := l.UploadedWeights
	if w == nil {
		w = Upload(s, l.ClassWeights, logits.Device(), int64(len(l.ClassWeights)))
	}
	return s.To(w, logits.DType())
}

// Targets are the labels of a batch's rows of logits.
type Targets struct {
	Labels []int64
	// MixedLabels are the second labels of mixed rows: the target is Lambda of the row's own label
	// and 1 - Lambda of its mixed label. Empty: no row was mixed.
	MixedLabels []int64
	Lambda      float64
	// MultiLabel holds the targets (N, classes), row-major, of rows that have any number of classes; Labels is empty then.
	// [BinaryCrossEntropy] takes them.
	MultiLabel []float32
	// Uploaded are the targets on a device, or nil.
	Uploaded *UploadedTargets
}

// UploadedTargets are the targets of a batch on a device.
type UploadedTargets struct {
	Values  *Tensor // what the loss takes: labels (N), int64; distributions or targets of independent classes (N, classes), float32
	Main    *Tensor // the classes (N), int64, that accuracy is counted against; nil for independent classes
	Weights *Tensor // of the classes in the loss, float64 or, for independent classes, float32; nil: none
}

// CrossEntropyResult is the loss and the number of correct rows of a batch.
type CrossEntropyResult struct {
	Loss    float64 // the value of the loss
	Correct int     // rows whose unique largest logit is that of the label with the larger lambda (the own label at 0.5)
	Weight  float64 // what the sum over the rows was divided by: CrossEntropy.Denominator
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
	targets := native.Targets{Labels: t.Labels, MixedLabels: t.MixedLabels, Lambda: t.Lambda, Smoothing: l.LabelSmoothing,
		ClassWeights: l.ClassWeights, Gamma: l.Gamma}
	c, out, err := native.CrossEntropy(native.Tensor(logits.c), targets)
	return s.made(name, []*Tensor{logits}, c, err), CrossEntropyResult{Loss: out.Loss, Correct: out.Correct, Weight: l.Denominator(t)}
}
