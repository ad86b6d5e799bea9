package autograd

import (
	"fmt"
	"unsafe"

	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// A Tensor is a handle of a libtorch tensor. It belongs to a Scope and is freed with it.
type Tensor struct {
	made, freed place       // under the build tag invariants
	c           lib.Ctensor // nil when freed
	owner       *Scope
}

func (t *Tensor) free() {
	if t.c != nil {
		lib.AtFree(t.c)
		t.c = nil
		t.freed = here()
		countLive(-1)
	}
}

// Shape returns the size of each dimension, (N, C, H, W) for images; nil if the tensor is nil or
// freed.
func (t *Tensor) Shape() []int64 {
	if t == nil || t.c == nil {
		return nil
	}
	shape := make([]int64, lib.AtDim(t.c))
	if len(shape) > 0 {
		lib.AtShape(t.c, unsafe.Pointer(&shape[0]))
	}
	return shape
}

// Numel is the number of elements.
func (t *Tensor) Numel() int64 {
	n := int64(1)
	for _, d := range t.Shape() {
		n *= d
	}
	return n
}

// DType is the type of the elements.
func (t *Tensor) DType() DType {
	if t == nil || t.c == nil {
		return invalid
	}
	return DType(lib.AtScalarType(t.c))
}

// Device is where the elements are stored.
func (t *Tensor) Device() Device {
	if t == nil || t.c == nil {
		return CPU
	}
	return Device(int32(lib.AtDevice(t.c))) // gotch reads eight bytes of a C int; only the lower four are valid
}

// String describes the tensor without its values, such as "float32[32 3 224 224]".
func (t *Tensor) String() string {
	switch {
	case t == nil:
		return "nil"
	case t.c == nil:
		return "freed"
	}
	return fmt.Sprintf("%v%v", t.DType(), t.Shape())
}

// RequiresGrad reports whether gradients flow to t: it is a marked leaf, or depends on one.
func (t *Tensor) RequiresGrad() bool {
	return t != nil && t.c != nil && native.RequiresGrad(native.Tensor(t.c))
}

// IsLeaf reports whether t is not the result of an operation, as parameters are.
func (t *Tensor) IsLeaf() bool {
	return t != nil && t.c != nil && native.IsLeaf(native.Tensor(t.c))
}

// opt returns the handle of an optional input: nil means "none" in libtorch too.
func opt(t *Tensor) lib.Ctensor {
	if t == nil {
		return nil
	}
	return t.c
}

// Versions returns a number for each tensor that differs from an earlier one if its values have changed since by an
// operation. It is not changed by [BatchNorm] in training, which bypasses it for running statistics.
func (s *Scope) Versions(ts []*Tensor) []int64 {
	const name = "versions"
	if !s.ready(name, ts...) {
		return nil
	}
	versions, err := native.Versions(handles(ts))
	if err != nil {
		s.Fail(opError(name, ts, err))
	}
	return versions
}
