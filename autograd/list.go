package autograd

import (
	"fmt"

	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// A List is an ordered group of tensors that one native call updates together, in place and outside
// any graph: PyTorch's _foreach_ operations. Tensors are float32 or float64, on one device; lists
// used together are paired by position, with equal shapes.
type List []*Tensor

// Scale is l *= c.
func (l List) Scale(s *Scope, c float64) {
	l.update(s, "list scale", nil, func(x []native.Tensor) error { return native.ListScale(x, c) })
}

// AddScalar is l += c.
func (l List) AddScalar(s *Scope, c float64) {
	l.update(s, "list add scalar", nil, func(x []native.Tensor) error { return native.ListAddScalar(x, c) })
}

// AddScaled is l += alpha * y.
func (l List) AddScaled(s *Scope, y List, alpha float64) {
	l.update(s, "list add scaled", []List{y}, func(x []native.Tensor) error {
		return native.ListAddScaled(x, y.handles(), alpha)
	})
}

// AddProduct is l += alpha * a * b.
func (l List) AddProduct(s *Scope, a, b List, alpha float64) {
	l.update(s, "list add product", []List{a, b}, func(x []native.Tensor) error {
		return native.ListAddProduct(x, a.handles(), b.handles(), alpha)
	})
}

// AddQuotient is l += alpha * a / b.
func (l List) AddQuotient(s *Scope, a, b List, alpha float64) {
	l.update(s, "list add quotient", []List{a, b}, func(x []native.Tensor) error {
		return native.ListAddQuotient(x, a.handles(), b.handles(), alpha)
	})
}

// Sqrt is l = sqrt(l).
func (l List) Sqrt(s *Scope) { l.update(s, "list sqrt", nil, native.ListSqrt) }

// Lerp is l += weight * (y - l).
func (l List) Lerp(s *Scope, y List, weight float64) {
	l.update(s, "list lerp", []List{y}, func(x []native.Tensor) error { return native.ListLerp(x, y.handles(), weight) })
}

// CopyFrom is l = y.
func (l List) CopyFrom(s *Scope, y List) {
	l.update(s, "list copy", []List{y}, func(x []native.Tensor) error { return native.ListCopy(x, y.handles()) })
}

// Zero is l = 0.
func (l List) Zero(s *Scope) { l.update(s, "list zero", nil, native.ListZero) }

// Norm is the L2 norm over all elements of all tensors.
func (l List) Norm(s *Scope) (norm float64) {
	l.update(s, "list norm", nil, func(x []native.Tensor) (err error) {
		norm, err = native.ListNorm(x)
		return err
	})
	return norm
}

// NormTensor is Norm as a scalar on the tensors' device.
func (l List) NormTensor(s *Scope) *Tensor {
	var norm native.Tensor
	l.update(s, "list norm", nil, func(x []native.Tensor) (err error) {
		norm, err = native.ListNormTensor(x)
		return err
	})
	if norm == nil {
		return nil
	}
	return s.own(lib.Ctensor(norm))
}

// Plus returns l + alpha*y as a new list.
func (l List) Plus(s *Scope, y List, alpha float64) List {
	return l.result(s, "list plus", []List{y}, func(x []native.Tensor) ([]native.Tensor, error) { return native.ListPlus(x, y.handles(), alpha) })
}

// Times returns l * scalar, on their device, as a new list.
func (l List) Times(s *Scope, scalar *Tensor) List {
	if !s.ready("list times", scalar) {
		return nil
	}
	return l.result(s, "list times", nil, func(x []native.Tensor) ([]native.Tensor, error) { return native.ListTimes(x, native.Tensor(scalar.c)) })
}

// Roots returns the square roots of l as a new list.
func (l List) Roots(s *Scope) List { return l.result(s, "list roots", nil, native.ListRoots) }

// result checks the lists and makes one native call, which returns a new list.
func (l List) result(s *Scope, name string, others []List, call func([]native.Tensor) ([]native.Tensor, error)) List {
	list := make(List, 0, len(l))
	l.update(s, name, others, func(x []native.Tensor) error {
		made, err := call(x)
		if err != nil {
			return err
		}
		for _, c := range made {
			list = append(list, s.own(lib.Ctensor(c)))
		}
		return nil
	})
	if s.Err() != nil {
		return nil
	}
	return list
}

// AllFinite reports whether no element is infinite or NaN; it is true for an empty list.
func (l List) AllFinite(s *Scope) (finite bool) {
	finite = len(l) == 0
	l.update(s, "list all finite", nil, func(x []native.Tensor) (err error) {
		finite, err = native.ListAllFinite(x)
		return err
	})
	return finite
}

// ZerosLike returns a new list of zeros with l's types, devices, shapes and layouts.
func (l List) ZerosLike(s *Scope) List {
	zeros := make(List, 0, len(l))
	for _, t := range l {
		zeros = append(zeros, s.zerosLike(t))
	}
	if s.Err() != nil {
		return nil
	}
	return zeros
}

// FullLike is ZerosLike with another value.
func (l List) FullLike(s *Scope, value float64) List {
	full := l.ZerosLike(s)
	full.AddScalar(s, value)
	return full
}

// Clone returns a new list with l's values.
func (l List) Clone(s *Scope) List { return l.result(s, "list clone", nil, native.ListClone) }

func (l List) handles() []native.Tensor { return handles(l) }

// update checks the lists and makes one native call.
func (l List) update(s *Scope, name string, others []List, call func([]native.Tensor) error) {
	for _, list := range append(others, l) {
		if !s.ready(name, list...) {
			return
		}
		if len(list) != len(l) {
			s.Fail(fmt.Errorf("autograd: %s: lists of %d and %d tensors", name, len(l), len(list)))
			return
		}
	}
	if len(l) == 0 {
		return
	}
	if err := call(l.handles()); err != nil {
		s.Fail(opError(name, l[:1], err))
	}
}
