package backend

import "depthwise.dev/autograd"

// Scored is the loss of a batch and the number of its correct rows, which a device may still compute.
type Scored struct {
	Weight        float64 // what the sum over the rows was divided by: CrossEntropy.Denominator
	known         []float64
	loss, correct *autograd.Tensor // scalars on a device, where known is nil
}

// Read begins to copy both numbers, the loss first, to the host. Call it in the scope of the loss.
func (r Scored) Read(s *autograd.Scope) *autograd.Readback {
	if r.known != nil {
		return autograd.Known(r.known...)
	}
	return s.ReadLater(r.loss, r.correct)
}

// NewScored returns the value of a loss, and the correct rows of logits (N, classes), see [Correct]. On a GPU, and where
// the targets are uploaded, both are tensors, for which the host does not wait.
func NewScored(s *autograd.Scope, loss, logits *autograd.Tensor, t autograd.Targets, weight float64) Scored {
	if s.Err() != nil {
		return Scored{}
	}
	if logits.Device() == autograd.CPU && t.Uploaded == nil {
		return Scored{Weight: weight, known: []float64{s.Item(loss), float64(Correct(s, logits, t))}}
	}
	return Scored{Weight: weight, loss: loss, correct: correctOn(s, logits, uploaded(s, logits, t))}
}

// correctOn is [Correct] as a scalar on the logits' device.
func correctOn(s *autograd.Scope, logits *autograd.Tensor, u *autograd.UploadedTargets) *autograd.Tensor {
	if u.Main == nil {
		return s.ExactMatches(logits, u.Values)
	}
	return s.CountCorrect(logits, u.Main)
}

// UploadTargets copies the targets of a batch for a loss of so many classes to a device, with the loss's weights of the
// classes. The host does not wait for a GPU.
func UploadTargets[W float32 | float64](s *autograd.Scope, t autograd.Targets, classes int64, weights []W, dev autograd.Device) *autograd.UploadedTargets {
	u := &autograd.UploadedTargets{}
	n := int64(len(t.Labels))
	switch {
	case t.MultiLabel != nil:
		u.Values = autograd.Upload(s, t.MultiLabel, dev, int64(len(t.MultiLabel))/max(classes, 1), classes)
	case len(t.MixedLabels) > 0:
		u.Values = autograd.Upload(s, distributions(t, classes), dev, n, classes)
		u.Main = autograd.Upload(s, mainClasses(t), dev, n)
	default:
		u.Values = autograd.Upload(s, t.Labels, dev, n)
		u.Main = u.Values
	}
	if len(weights) > 0 {
		u.Weights = autograd.Upload(s, weights, dev, int64(len(weights)))
	}
	return u
}

// uploaded are the targets on the logits' device.
func uploaded(s *autograd.Scope, logits *autograd.Tensor, t autograd.Targets) *autograd.UploadedTargets {
	if t.Uploaded != nil {
		return t.Uploaded
	}
	return UploadTargets[float64](s, t, logits.Shape()[1], nil, logits.Device())
}

// Loss implements [Backend].
func (Torch) Loss(s *autograd.Scope, l autograd.CrossEntropy, logits *autograd.Tensor, t autograd.Targets) (*autograd.Tensor, Scored) {
	if s.Err() != nil {
		return nil, Scored{}
	}
	if logits.Device() != autograd.CPU {
		t.Uploaded = uploaded(s, logits, t)
	}
	loss := crossEntropy(s, l, logits, t)
	return loss, NewScored(s, loss, logits, t, l.Denominator(t))
}

// crossEntropy is the loss of a batch's logits, on their device. Where images were mixed, each one's target is
// Lambda of its own class and the rest of its mixed label.
func crossEntropy(s *autograd.Scope, l autograd.CrossEntropy, logits *autograd.Tensor, t autograd.Targets) *autograd.Tensor {
	u := uploaded(s, logits, t)
	l.UploadedWeights = u.Weights
	if len(t.MixedLabels) == 0 {
		return l.Loss(s, logits, u.Values)
	}
	return l.SoftLoss(s, logits, u.Values)
}

// distributions are the targets (N, classes), row-major, of mixed images.
func distributions(t autograd.Targets, classes int64) []float32 {
	targets := make([]float32, int64(len(t.Labels))*classes)
	for i := range t.Labels {
		row := targets[int64(i)*classes:]
		row[t.Labels[i]] += float32(t.Lambda)
		row[t.MixedLabels[i]] += 1 - float32(t.Lambda)
	}
	return targets
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
