package autograd

import lib "github.com/sugarme/gotch/libtch"

// ClipFactor is the factor, a scalar on the norm's device, that clips gradients of a norm to most: most/(norm + eps), at
// most 1; NaN of NaN.
func ClipFactor(s *Scope, norm *Tensor, most, eps float64) *Tensor {
	part := s.Scale(s.AddScalar(norm, eps), 1/most)
	inverse := s.op("reciprocal", []*Tensor{part}, func(out *lib.Ctensor) { lib.AtgReciprocal(out, part.c) })
	return s.op("clamp max", []*Tensor{inverse}, func(out *lib.Ctensor) {
		withScalar(1, func(v lib.Cscalar) { lib.AtgClampMax(out, inverse.c, v) })
	})
}
