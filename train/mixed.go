package train

import (
	"depthwise.dev/autograd"
	"depthwise.dev/data"
	"depthwise.dev/models/mobilenet"
)

// score is the loss of a batch's logits, its value, and how many images are right.
func (m machine) score(s *autograd.Scope, l autograd.CrossEntropy, logits *autograd.Tensor, b *data.Batch) (loss *autograd.Tensor, scored autograd.Scored) {
	if m.kernels == mobilenet.Fused {
		return l.Fused(s, logits, autograd.Targets{Labels: b.Labels, Partners: b.MixedLabels, Share: b.Lambda})
	}
	loss = lossOf(s, l, logits, b)
	return loss, autograd.Scored{Loss: s.Item(loss), Correct: correct(autograd.ToSlice[float32](s, logits), mainClasses(b))}
}

// lossOf is the loss of a batch's logits, on their device. Of a batch that was mixed, each image's target is Share of
// its own class and the rest of its partner's.
func lossOf(s *autograd.Scope, l autograd.CrossEntropy, logits *autograd.Tensor, b *data.Batch) *autograd.Tensor {
	if s.Err() != nil {
		return nil
	}
	if len(b.MixedLabels) == 0 {
		return l.Loss(s, logits, s.ToDevice(autograd.FromSlice(s, b.Labels, int64(b.N)), logits.Device()))
	}
	classes := logits.Shape()[1]
	targets := make([]float32, int64(b.N)*classes)
	for i := range b.Labels {
		row := targets[int64(i)*classes:]
		row[b.Labels[i]] += float32(b.Lambda)
		row[b.MixedLabels[i]] += 1 - float32(b.Lambda)
	}
	return l.SoftLoss(s, logits, s.ToDevice(autograd.FromSlice(s, targets, int64(b.N), classes), logits.Device()))
}

// mainClasses are the classes that training's accuracy is counted against: of images that were mixed, the one with
// the larger share.
func mainClasses(b *data.Batch) []int64 {
	if len(b.MixedLabels) > 0 && b.Lambda < 0.5 {
		return b.MixedLabels
	}
	return b.Labels
}
