package autograd

import (
	"errors"

	lib "github.com/sugarme/gotch/libtch"
)

// Operations that select, order or join elements. A dimension may be negative: -1 is the last.

// Cat joins tensors along a dimension; their other dimensions must agree.
func (s *Scope) Cat(dim int64, xs ...*Tensor) *Tensor {
	if len(xs) == 0 {
		s.Fail(errors.New("autograd: cat: no tensors"))
		return nil
	}
	return s.op("cat", xs, func(out *lib.Ctensor) {
		inputs := make([]lib.Ctensor, len(xs))
		for i, x := range xs {
			inputs[i] = x.c
		}
		lib.AtgCat(out, inputs, len(inputs), dim)
	})
}

// Slice returns the elements from index from to before index to along a dimension, as x[from:to] in Go. It
// shares x's memory. An index beyond the end means the end, as in PyTorch.
func (s *Scope) Slice(x *Tensor, dim, from, to int64) *Tensor {
	return s.op("slice", []*Tensor{x}, func(out *lib.Ctensor) {
		lib.AtgSlice(out, x.c, dim, from, 0, to, 0, 1)
	})
}

// Max is the largest element along a dimension, which the result lacks: torch.amax. Where several are the largest,
// they share the gradient evenly.
func (s *Scope) Max(x *Tensor, dim int64) *Tensor {
	return s.op("max", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgAmax(out, x.c, []int64{dim}, 1, 0) })
}

// Argmax is the index of the largest element along a dimension, which the result lacks; int64, without a gradient.
func (s *Scope) Argmax(x *Tensor, dim int64) *Tensor {
	return s.op("argmax", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgArgmax(out, x.c, dim, 0, 0) })
}
