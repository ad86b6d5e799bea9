package autograd

import (
	"fmt"
	"slices"

	lib "github.com/sugarme/gotch/libtch"
)

// BinaryCrossEntropy is the loss of independent classes: of each logit x with target t in [0, 1],
// -(w * t * log sigmoid(x) + (1-t) * log(1 - sigmoid(x))), the mean over the batch and the classes, computed in float32 or
// float64. It is torch.nn.BCEWithLogitsLoss.
type BinaryCrossEntropy struct {
	// LabelSmoothing e: the target becomes (1-e)*t + e/classes, as in timm's BinaryCrossEntropy; of one class (1-e)*t + e/2.
	LabelSmoothing float64
	// PosWeight holds w of each class. nil: 1.
	PosWeight []float32
	// UploadedWeights are PosWeight (classes), float32, on the logits' device. nil: Loss copies them there.
	UploadedWeights *Tensor
}

// Loss takes logits and targets (N, classes) and returns a scalar.
func (l BinaryCrossEntropy) Loss(s *Scope, logits, targets *Tensor) *Tensor {
	const name = "binary cross entropy"
	if !s.ready(name, logits, targets) {
		return nil
	}
	shape := logits.Shape()
	if len(shape) != 2 || !slices.Equal(shape, targets.Shape()) { // libtorch would broadcast
		s.Fail(fmt.Errorf("autograd: %s(%v, %v): logits and targets must have one shape (N, classes)", name, logits, targets))
		return nil
	}
	if l.PosWeight != nil && int64(len(l.PosWeight)) != shape[1] {
		s.Fail(fmt.Errorf("autograd: %s(%v): %d weights of classes", name, logits, len(l.PosWeight)))
		return nil
	}
	if logits.DType().half() {
		logits = s.To(logits, Float32)
	}
	if l.LabelSmoothing != 0 {
		targets = s.AddScalar(s.Scale(targets, 1-l.LabelSmoothing), l.LabelSmoothing/float64(max(2, shape[1])))
	}
	targets = s.To(targets, logits.DType())
	var weight lib.Ctensor
	if l.PosWeight != nil {
		w := l.UploadedWeights
		if w == nil {
			w = Upload(s, l.PosWeight, logits.Device(), shape[1])
		}
		w = s.To(w, logits.DType())
		if s.Err() != nil {
			return nil
		}
		weight = w.c
	}
	if s.Err() != nil {
		return nil
	}
	return s.op(name, []*Tensor{logits, targets}, func(out *lib.Ctensor) {
		lib.AtgBinaryCrossEntropyWithLogits(out, logits.c, targets.c, nil, weight, reductionMean)
	})
}
