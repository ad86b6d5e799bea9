package native

// #include "update.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// UpdateOp is an elementwise operation of an update program; Op in fused.h gives the formulas.
type UpdateOp int

// The operations.
const (
	OpScale             UpdateOp = C.DW_SCALE
	OpAddScaled         UpdateOp = C.DW_ADD_SCALED
	OpSumScaled         UpdateOp = C.DW_SUM_SCALED
	OpLerpFromA         UpdateOp = C.DW_LERP_FROM_A
	OpLerpFromB         UpdateOp = C.DW_LERP_FROM_B
	OpMul               UpdateOp = C.DW_MUL
	OpAddProduct        UpdateOp = C.DW_ADD_PRODUCT
	OpAddRoundedProduct UpdateOp = C.DW_ADD_ROUNDED_PRODUCT
	OpQuotient          UpdateOp = C.DW_QUOTIENT
	OpAddQuotient       UpdateOp = C.DW_ADD_QUOTIENT
	OpSqrt              UpdateOp = C.DW_SQRT
	OpAffineSqrt        UpdateOp = C.DW_AFFINE_SQRT
)

// The numbers of a program's operands: the parameter, its gradient, other arrays, temporaries.
const (
	UpdateParameter      = 0
	UpdateGradient       = 1
	UpdateFirstArray     = 2
	UpdateFirstTemporary = C.DW_UPDATE_ARRAYS
)

// Limits of a program.
const (
	MaxUpdateArrays      = C.DW_UPDATE_ARRAYS - UpdateFirstArray // beside parameter and gradient
	MaxUpdateTemporaries = C.DW_UPDATE_TEMPORARIES
	MaxUpdateLength      = C.DW_UPDATE_LENGTH
)

// UpdateInstruction is an operation with its operands, 0 where it has none, and its scalars.
type UpdateInstruction struct {
	Op           UpdateOp
	Out, A, B, C int
	S, T         float32
}

// UpdateGroup is parameters that the same program updates. Arrays are lists as long as Parameters:
// operands from UpdateFirstArray on.
type UpdateGroup struct {
	Program    []UpdateInstruction
	Parameters []Tensor
	Arrays     [][]Tensor
}

// MissingGradient is the first parameter without a gradient that its program reads.
type MissingGradient struct{ Group, Parameter int }

// UpdateFits reports whether UpdateStep can update tensors like these.
func UpdateFits(xs []Tensor) bool { return C.dw_update_fits(first(xs), count(xs)) != 0 }

// UpdateNorm is the L2 norm over all gradients that the programs read.
func UpdateNorm(groups []UpdateGroup) (norm float64, missing *MissingGradient, err error) {
	var c C.double
	missing, err = withGroups(groups, func(m *C.dw_missing, g *C.dw_update_group, n C.int) C.dw_error {
		return C.dw_update_norm(&c, m, g, n)
	})
	return float64(c), missing, err
}

// UpdateStep runs each group's program over its parameters.
func UpdateStep(groups []UpdateGroup) (*MissingGradient, error) {
	return withGroups(groups, func(m *C.dw_missing, g *C.dw_update_group, n C.int) C.dw_error {
		return C.dw_update_step(m, g, n)
	})
}

// withGroups makes a call with the groups in C's form.
func withGroups(groups []UpdateGroup, call func(*C.dw_missing, *C.dw_update_group, C.int) C.dw_error) (*MissingGradient, error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	list := make([]C.dw_update_group, len(groups))
	for i, g := range groups {
		program := make([]C.dw_instruction, len(g.Program))
		for k, x := range g.Program {
			program[k] = C.dw_instruction{op: C.dw_op(x.Op), out: C.int(x.Out), a: C.int(x.A), b: C.int(x.B), c: C.int(x.C),
				s: C.float(x.S), t: C.float(x.T)}
		}
		var arrays []Tensor
		for _, a := range g.Arrays {
			arrays = append(arrays, a...)
		}
		list[i] = C.dw_update_group{program: pinned(&pinner, program), length: C.int(len(program)),
			parameters: (*C.dw_tensor)(unsafe.Pointer(pinned(&pinner, g.Parameters))),
			arrays:     (*C.dw_tensor)(unsafe.Pointer(pinned(&pinner, arrays))), n: count(g.Parameters), lists: C.int(len(g.Arrays))}
	}
	var missing C.dw_missing
	err := take(call(&missing, pinned(&pinner, list), C.int(len(list))))
	if err != nil || missing.group < 0 {
		return nil, err
	}
	return &MissingGradient{Group: int(missing.group), Parameter: int(missing.parameter)}, nil
}

// pinned is the address of a slice's elements, nil if it has none.
func pinned[T any](pinner *runtime.Pinner, list []T) *T {
	if len(list) == 0 {
		return nil
	}
	pinner.Pin(unsafe.SliceData(list))
	return unsafe.SliceData(list)
}
