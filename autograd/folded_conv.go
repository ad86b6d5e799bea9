package autograd

import (
	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// FoldedConv is a [FusedConv] for inference: batch norm, by its running statistics, is folded into the weights.
type FoldedConv struct {
	scope                *Scope // owns the tensors
	compute              DType
	scaled, shift, typed *Tensor // nil before Fold
}

// NewFoldedConv prepares a convolution that computes in a type, Float32 or BFloat16, with tensors that belong to s. It has no
// weights before Fold.
func NewFoldedConv(s *Scope, compute DType) *FoldedConv {
	return &FoldedConv{scope: s, compute: compute}
}

// Fold folds weights w, bias b, which may be nil, and batch norm. Later calls overwrite the values of the same tensors, so
// that a captured graph computes with the new ones.
func (f *FoldedConv) Fold(s *Scope, w, b *Tensor, bn BatchNorm, groups int64) {
	inputs := present(w, bn.Weight, b)
	if !s.ready(fusedConv, inputs...) || !s.ready(fusedConv, bn.Bias, bn.Mean, bn.Var) || !kernelType(s, fusedConv, f.compute) {
		return
	}
	made := f.scaled == nil
	var n native.FoldedConv
	if !made {
		if !s.ready(fusedConv, f.scaled, f.shift, f.typed) {
			return
		}
		n = f.handles()
	}
	if err := n.Fold(native.Tensor(w.c), native.Tensor(opt(b)), bn.native(true), FusedConv{Groups: groups}.native(f.compute)); err != nil {
		s.Fail(opError(fusedConv, inputs, err))
		return
	}
	if made {
		f.scaled, f.shift, f.typed = f.scope.own(lib.Ctensor(n.Scaled)), f.scope.own(lib.Ctensor(n.Shift)), f.scope.own(lib.Ctensor(n.Typed))
	}
}

// Forward computes activation(convolution(before(x))) + residual, which may be nil, without a graph. before is an
// activation that x has not had; only convolutions that [FusedConv.Depthwise] reports apply one.
func (f *FoldedConv) Forward(s *Scope, c FusedConv, x *Tensor, before FusedActivation, residual *Tensor) *Tensor {
	inputs := present(x, f.scaled, residual)
	if !s.ready(fusedConv, inputs...) {
		return nil
	}
	out, err := f.handles().Forward(native.Tensor(x.c), before, native.Tensor(opt(residual)), c.native(f.compute))
	return s.made(fusedConv, inputs, out, err)
}

func (f *FoldedConv) handles() native.FoldedConv {
	return native.FoldedConv{Scaled: native.Tensor(f.scaled.c), Shift: native.Tensor(f.shift.c), Typed: native.Tensor(f.typed.c)}
}
