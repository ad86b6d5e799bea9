package autograd

import "depthwise.dev/autograd/native"

// CountCorrect is the number of rows of logits (N, classes) whose unique largest is that of the label, by labels (N)
// int64 on the same device: a scalar, int64. NaN counts against the label.
func (s *Scope) CountCorrect(logits, labels *Tensor) *Tensor {
	return s.counted("count correct", logits, labels, native.CountCorrect)
}

// ExactMatches is the number of rows of logits (N, classes) that are above 0 for exactly the classes whose targets (N,
// classes) are above 0.5: a scalar, int64.
func (s *Scope) ExactMatches(logits, targets *Tensor) *Tensor {
	return s.counted("exact matches", logits, targets, native.ExactMatches)
}

func (s *Scope) counted(name string, logits, targets *Tensor, call func(logits, targets native.Tensor) (native.Tensor, error)) *Tensor {
	inputs := []*Tensor{logits, targets}
	if !s.ready(name, inputs...) {
		return nil
	}
	c, err := call(native.Tensor(logits.c), native.Tensor(targets.c))
	return s.made(name, inputs, c, err)
}
