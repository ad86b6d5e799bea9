package backend

import "depthwise.dev/autograd"

// Loss implements [Backend].
func (Torch) Loss(s *autograd.Scope, l autograd.CrossEntropy, logits *autograd.Tensor, t autograd.Targets) (*autograd.Tensor, autograd.CrossEntropyResult) {
	if s.Err() != nil {
		return nil, autograd.CrossEntropyResult{}
	}
	loss := crossEntropy(s, l, logits, t)
	return loss, autograd.CrossEntropyResult{Loss: s.Item(loss), Correct: Correct(s, logits, t), Weight: l.Denominator(t)}
}

// crossEntropy is the loss of a batch's logits, on their device. Where images were mixed, each one's target is
// Lambda of its own class and the rest of its mixed label.
func crossEntropy(s *autograd.Scope, l autograd.CrossEntropy, logits *autograd.Tensor, t autograd.Targets) *autograd.Tensor {
	n := len(t.Labels)
	if len(t.MixedLabels) == 0 {
		return l.Loss(s, logits, s.ToDevice(autograd.FromSlice(s, t.Labels, int64(n)), logits.Device()))
	}
	classes := logits.Shape()[1]
	targets := make([]float32, int64(n)*classes)
	for i := range t.Labels {
		row := targets[int64(i)*classes:]
		row[t.Labels[i]] += float32(t.Lambda)
		row[t.MixedLabels[i]] += 1 - float32(t.Lambda)
	}
	return l.SoftLoss(s, logits, s.ToDevice(autograd.FromSlice(s, targets, int64(n), classes), logits.Device()))
}

// mainClasses are the classes that training accuracy is counted against: of mixed images, the one with the
// larger weight.
func mainClasses(t autograd.Targets) []int64 {
	if len(t.MixedLabels) > 0 && t.Lambda < 0.5 {
		return t.MixedLabels
	}
	return t.Labels
}

// Correct counts the rows of logits (N, classes) whose greatest value is that of the target's main class, or of
// multi-label rows [ExactMatches].
func Correct(s *autograd.Scope, logits *autograd.Tensor, t autograd.Targets) int {
	if s.Err() != nil {
		return 0
	}
	if t.MultiLabel != nil {
		return ExactMatches(autograd.ToSlice[float32](s, logits), t.MultiLabel, int(logits.Shape()[1]))
	}
	return correct(autograd.ToSlice[float32](s, logits), mainClasses(t))
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

// Rank is the place of a class among the logits of an image, 1 for the greatest; ties count against the class,
// and so do NaNs.
func Rank(logits []float32, class int) int {
	place := 1
	for i, v := range logits {
		if i != class && !(v < logits[class]) {
			place++
		}
	}
	return place
}
