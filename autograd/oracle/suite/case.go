package suite

import (
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
)

// A Case is one function of arrays, written once for each library. Engines compute its value and
// the gradient of sum(output * cotangent) with respect to each input.
type Case struct {
	Name   string
	Inputs []Input
	// Cotangent holds the weight of each element of the output. Nil: random numbers, a function of
	// the case's name.
	Cotangent []float64
	// FullPrecision: a bfloat16 network computes this in float32, from a float32 input.
	FullPrecision bool
	// Kinks are the values of the first input at which the case has no derivative.
	Kinks []float64
	// Window, if not 0, is the side of the windows of the first input in which the case has no
	// derivative at equal values.
	Window int
	// CPUOnly: the operation computes on the CPU alone.
	CPUOnly bool
	// Torch computes the output with autograd. The inputs are in the order of Inputs.
	Torch func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor
	// Gorgonia returns the output and then, for each Running input, the node of its new value (or
	// itself). Nil: the case is not written in gorgonia.
	Gorgonia func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node
}

// Input is an array on which a case depends.
type Input struct {
	Name string
	oracle.Array
	// Activation: bfloat16 in a network of that type. Parameters are float32 there.
	Activation bool
	// Running statistics may be changed in place and have no gradient; all other inputs must not
	// change.
	Running bool
	// ScaleFrom names an input whose gradient also scales the differences of this one's, which may
	// be zero except for rounding: that of a bias before batch normalization.
	ScaleFrom string
}

// Kind is the kind of a value.
type Kind string

// The kinds of values.
const (
	Output    Kind = "output"
	Gradient  Kind = "gradient"  // of an input
	Statistic Kind = "statistic" // new value of a running input
)

// Value is an array that an engine has computed.
type Value struct {
	Name string // of the input; "" for the output of a case
	Kind Kind
	oracle.Array
	// Slopes: Data holds the gradient's products with random directions, see Directions, instead of
	// the gradient.
	Slopes bool
	// ScaleFrom is that of the input.
	ScaleFrom string
}

// Result is all that an engine computes for a case.
type Result []Value

// find returns the value of a kind and name.
func (r Result) find(kind Kind, name string) (Value, bool) {
	for _, v := range r {
		if v.Kind == kind && v.Name == name {
			return v, true
		}
	}
	return Value{}, false
}

// cotangent is the weight of each of n elements of the output.
func (c Case) cotangent(n int) []float64 {
	if c.Cotangent != nil {
		return c.Cotangent
	}
	return Draw("cotangent of "+c.Name, -1, 1, int64(n)).Data
}

const (
	// kinkMargin exceeds the change of an element of a normalized layer by a difference step.
	kinkMargin = 1e-4
	// bfloat16Spacing is the largest distance of neighboring bfloat16 numbers, relative to the
	// larger one: 8 significant bits.
	bfloat16Spacing = 1. / 128
)

// differentiable returns a, the first input, without values near points that have no derivative.
// Values in a window become different bfloat16 numbers: among equal ones, the maximum and so the
// gradient is another element's.
func (c Case) differentiable(a oracle.Array) oracle.Array {
	if c.Window > 0 {
		largest := 0.0
		for _, v := range a.Data {
			largest = max(largest, math.Abs(v))
		}
		a = Separate(a, max(kinkMargin, largest*bfloat16Spacing), c.Window)
	}
	return Away(a, kinkMargin, c.Kinks...)
}
