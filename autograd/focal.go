package autograd

import lib "github.com/sugarme/gotch/libtch"

// focal is the loss with a gamma above 0, from libtorch's operations: of labels (N) int64, or of targets (N, classes).
// It is computed in float64, where 1-p is exact enough near p = 1.
func (l CrossEntropy) focal(s *Scope, logits, target *Tensor) *Tensor {
	if !s.ready("focal loss", logits, target) {
		return nil
	}
	const tiny = 1e-30 // keeps log(1-p) finite at p = 1; below the rounding error of any other 1-p
	logP := s.LogSoftmax(s.To(logits, Float64), 1)
	rest := s.AddScalar(s.Scale(s.Exp(logP), -1), 1)
	power := s.Exp(s.Scale(s.Log(s.AddScalar(rest, tiny)), l.Gamma))
	targets, total := l.focalTargets(s, logits, target)
	loss := s.Scale(s.Div(s.Sum(s.Mul(targets, s.Mul(power, logP))), total), -1)
	if s.err != nil || logits.DType() == Float64 {
		return loss
	}
	return s.To(loss, Float32)
}

// focalTargets returns the smoothed targets (N, classes), times the class weights, and the scalar that the sum of their
// terms is divided by, both float64.
func (l CrossEntropy) focalTargets(s *Scope, logits, target *Tensor) (targets, total *Tensor) {
	rows, classes := logits.Shape()[0], logits.Shape()[1]
	labels := target.DType() == Int64
	if labels {
		target = s.op("one-hot", []*Tensor{target}, func(out *lib.Ctensor) { lib.AtgOneHot(out, target.c, classes) })
	}
	targets = s.To(target, Float64)
	total = s.AddScalar(s.Zeros(Float64, logits.Device()), float64(rows)) // filled there: a CUDA graph cannot copy it
	if len(l.ClassWeights) == 0 {
		return l.smooth(s, targets, classes), total
	}
	w := s.Reshape(l.weights(s, targets), 1, -1)
	if labels {
		total = s.Sum(s.Mul(targets, w))
	}
	return s.Mul(l.smooth(s, targets, classes), w), total
}

// smooth applies label smoothing.
func (l CrossEntropy) smooth(s *Scope, targets *Tensor, classes int64) *Tensor {
	return s.AddScalar(s.Scale(targets, 1-l.LabelSmoothing), l.LabelSmoothing/float64(classes))
}
