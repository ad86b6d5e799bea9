package autograd

import lib "github.com/sugarme/gotch/libtch"

// Exp is e to the power of x.
func (s *Scope) Exp(x *Tensor) *Tensor {
	return s.op("exp", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgExp(out, x.c) })
}

// Log is the natural logarithm of x: -Inf at 0, NaN below.
func (s *Scope) Log(x *Tensor) *Tensor {
	return s.op("log", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgLog(out, x.c) })
}

// Sigmoid is 1 / (1 + exp(-x)).
func (s *Scope) Sigmoid(x *Tensor) *Tensor {
	return s.op("sigmoid", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgSigmoid(out, x.c) })
}

// Tanh is the hyperbolic tangent of x.
func (s *Scope) Tanh(x *Tensor) *Tensor {
	return s.op("tanh", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgTanh(out, x.c) })
}
