package autograd

import (
	"fmt"

	"depthwise.dev/autograd/native"
)

// UpdateProgram is the formula of an [Update]: elementwise operations, one after another, on a
// parameter, its gradient, arrays beside it and temporaries. Native code runs all of them on one
// block of elements before it goes on to the next, so that each array is read from and written to
// memory once.
//
// Scalars are rounded to float32. The formulas below are float32 arithmetic; fma(x, y, z) is x*y +
// z rounded once where the processor has such an instruction, every other operation rounds its
// result. The result may replace an operand.
//
// The zero value is an empty program. It may use up to 6 arrays, 8 temporaries and 32 operations;
// [Update.Apply] fails beyond.
type UpdateProgram struct {
	arrays      []List
	temporaries int
	code        []native.UpdateInstruction
	err         error
}

// An UpdateOperand is what an operation of an [UpdateProgram] reads or writes.
type UpdateOperand struct{ number int }

// Parameter is the parameter.
func (p *UpdateProgram) Parameter() UpdateOperand { return UpdateOperand{native.UpdateParameter} }

// Gradient is the parameter's gradient. It cannot be written.
func (p *UpdateProgram) Gradient() UpdateOperand { return UpdateOperand{native.UpdateGradient} }

// Array is an array beside each parameter, in the order of the group's parameters.
func (p *UpdateProgram) Array(list List) UpdateOperand {
	if len(p.arrays) == native.MaxUpdateArrays {
		p.fail("arrays", native.MaxUpdateArrays)
		return p.Parameter()
	}
	p.arrays = append(p.arrays, list)
	return UpdateOperand{native.UpdateFirstArray + len(p.arrays) - 1}
}

// Temporary is a new temporary, of undefined value.
func (p *UpdateProgram) Temporary() UpdateOperand {
	if p.temporaries == native.MaxUpdateTemporaries {
		p.fail("temporaries", native.MaxUpdateTemporaries)
		return p.Parameter()
	}
	p.temporaries++
	return UpdateOperand{native.UpdateFirstTemporary + p.temporaries - 1}
}

// Scale is out = s*a.
func (p *UpdateProgram) Scale(out UpdateOperand, s float64, a UpdateOperand) {
	p.append(native.UpdateInstruction{Op: native.OpScale, Out: out.number, S: float32(s), A: a.number})
}

// AddScaled is out = fma(s, a, b).
func (p *UpdateProgram) AddScaled(out UpdateOperand, s float64, a, b UpdateOperand) {
	p.append(native.UpdateInstruction{Op: native.OpAddScaled, Out: out.number, S: float32(s), A: a.number, B: b.number})
}

// SumScaled is out = fma(s, a, t*b).
func (p *UpdateProgram) SumScaled(out UpdateOperand, s float64, a UpdateOperand, t float64, b UpdateOperand) {
	p.append(native.UpdateInstruction{Op: native.OpSumScaled, Out: out.number, S: float32(s), A: a.number, T: float32(t), B: b.number})
}

// Lerp is out = a + weight*(b - a), computed from the nearer end as libtorch does, so that a weight
// of 1 gives b itself: fma(weight, b-a, a) for weights below 0.5, otherwise fma(weight-1, b-a, b).
func (p *UpdateProgram) Lerp(out, a, b UpdateOperand, weight float64) {
	x := native.UpdateInstruction{Op: native.OpLerpFromA, Out: out.number, A: a.number, B: b.number, S: float32(weight)}
	if x.S >= 0.5 {
		x.Op, x.S = native.OpLerpFromB, x.S-1
	}
	p.append(x)
}

// Mul is out = a*b.
func (p *UpdateProgram) Mul(out, a, b UpdateOperand) {
	p.append(native.UpdateInstruction{Op: native.OpMul, Out: out.number, A: a.number, B: b.number})
}

// AddProduct is out = fma(s*a, b, t*c).
func (p *UpdateProgram) AddProduct(out UpdateOperand, s float64, a, b UpdateOperand, t float64, c UpdateOperand) {
	p.append(native.UpdateInstruction{Op: native.OpAddProduct, Out: out.number, S: float32(s), A: a.number, B: b.number, T: float32(t), C: c.number})
}

// AddRoundedProduct is out = fma(t, c, s*a*b): AddProduct with the other product rounded by itself.
func (p *UpdateProgram) AddRoundedProduct(out UpdateOperand, s float64, a, b UpdateOperand, t float64, c UpdateOperand) {
	p.append(native.UpdateInstruction{Op: native.OpAddRoundedProduct, Out: out.number, S: float32(s), A: a.number, B: b.number, T: float32(t), C: c.number})
}

// Quotient is out = s*a/b.
func (p *UpdateProgram) Quotient(out UpdateOperand, s float64, a, b UpdateOperand) {
	p.append(native.UpdateInstruction{Op: native.OpQuotient, Out: out.number, S: float32(s), A: a.number, B: b.number})
}

// AddQuotient is out = fma(t, c, s*a/b).
func (p *UpdateProgram) AddQuotient(out UpdateOperand, s float64, a, b UpdateOperand, t float64, c UpdateOperand) {
	p.append(native.UpdateInstruction{Op: native.OpAddQuotient, Out: out.number, S: float32(s), A: a.number, B: b.number, T: float32(t), C: c.number})
}

// Sqrt is out = sqrt(a + t).
func (p *UpdateProgram) Sqrt(out, a UpdateOperand, t float64) {
	p.append(native.UpdateInstruction{Op: native.OpSqrt, Out: out.number, A: a.number, T: float32(t)})
}

// AffineSqrt is out = fma(s, sqrt(a), t).
func (p *UpdateProgram) AffineSqrt(out UpdateOperand, s float64, a UpdateOperand, t float64) {
	p.append(native.UpdateInstruction{Op: native.OpAffineSqrt, Out: out.number, S: float32(s), A: a.number, T: float32(t)})
}

func (p *UpdateProgram) append(x native.UpdateInstruction) {
	if x.Out == native.UpdateGradient && p.err == nil {
		p.err = fmt.Errorf("operation %d of the update program writes to the gradient", len(p.code))
	}
	if len(p.code) == native.MaxUpdateLength {
		p.fail("operations", native.MaxUpdateLength)
		return
	}
	p.code = append(p.code, x)
}

// fail records the first error.
func (p *UpdateProgram) fail(what string, limit int) {
	if p.err == nil {
		p.err = fmt.Errorf("the update program has more than %d %s", limit, what)
	}
}
