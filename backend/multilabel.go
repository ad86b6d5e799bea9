package backend

import "depthwise.dev/autograd"

// MultiLabelLoss is the loss of a batch's logits (N, classes) with t.MultiLabel, its value, and the number of rows of which
// every class is predicted correctly, see [ExactMatches]. It is the same for all backends.
func MultiLabelLoss(s *autograd.Scope, l autograd.BinaryCrossEntropy, logits *autograd.Tensor, t autograd.Targets) (*autograd.Tensor, Scored) {
	if s.Err() != nil {
		return nil, Scored{}
	}
	if logits.Device() != autograd.CPU {
		t.Uploaded = uploaded(s, logits, t)
	}
	u := uploaded(s, logits, t)
	l.UploadedWeights = u.Weights
	loss := l.Loss(s, logits, u.Values)
	return loss, NewScored(s, loss, logits, t, float64(logits.Shape()[0]))
}

// ExactMatches counts the rows of logits (N, classes) that are above 0, a probability of 0.5, for exactly the classes whose
// targets are above 0.5: scikit-learn's accuracy_score of multi-label predictions.
func ExactMatches(logits, targets []float32, classes int) int {
	n := 0
	for first := 0; first+classes <= len(logits); first += classes {
		match := true
		for i := first; i < first+classes; i++ {
			match = match && (logits[i] > 0) == (targets[i] > 0.5)
		}
		if match {
			n++
		}
	}
	return n
}
