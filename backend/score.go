package backend

import (
	"depthwise.dev/autograd"
	"depthwise.dev/data"
)

// Score computes the loss of a batch's logits, its value, and the number of images classified
// correctly.
func (m Machine) Score(s *autograd.Scope, l autograd.CrossEntropy, logits *autograd.Tensor, b *data.Batch) (loss *autograd.Tensor, scored autograd.Scored) {
	if m.Fused() {
		return l.Fused(s, logits, autograd.Targets{Labels: b.Labels, Partners: b.Partners, Share: b.Share})
	}
	loss = lossOf(s, l, logits, b)
	return loss, autograd.Scored{Loss: s.Item(loss), Correct: correct(autograd.ToSlice[float32](s, logits), dominantLabels(b))}
}

// lossOf computes the loss of a batch's logits on their device. In a mixed batch the target of each
// image is Share (lambda) of its own class and the rest of its partner's.
func lossOf(s *autograd.Scope, l autograd.CrossEntropy, logits *autograd.Tensor, b *data.Batch) *autograd.Tensor {
	if s.Err() != nil {
		return nil
	}
	if len(b.Partners) == 0 {
		return l.Loss(s, logits, s.ToDevice(autograd.FromSlice(s, b.Labels, int64(b.N)), logits.Device()))
	}
	classes := logits.Shape()[1]
	targets := make([]float32, int64(b.N)*classes)
	for i := range b.Labels {
		row := targets[int64(i)*classes:]
		row[b.Labels[i]] += float32(b.Share)
		row[b.Partners[i]] += 1 - float32(b.Share)
	}
	return l.SoftLoss(s, logits, s.ToDevice(autograd.FromSlice(s, targets, int64(b.N), classes), logits.Device()))
}

// dominantLabels returns the labels that training accuracy is measured against: in a mixed batch
// the class with the larger share of each image.
func dominantLabels(b *data.Batch) []int64 {
	if len(b.Partners) > 0 && b.Share < 0.5 {
		return b.Partners
	}
	return b.Labels
}

// correct counts the rows of logits whose greatest value is the label's.
func correct(logits []float32, labels []int64) int {
	n, classes := 0, len(logits)/max(len(labels), 1)
	for i, label := range labels {
		if Rank(logits[i*classes:(i+1)*classes], int(label)) == 1 {
			n++
		}
	}
	return n
}
