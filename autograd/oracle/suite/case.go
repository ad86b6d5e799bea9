package suite

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
)

// A Case is one function of arrays, written once for each library. Engines compute its value and the gradient of
// sum(output * cotangent) by each input.
type Case struct {
	Name   string
	Inputs []Input
	// Cotangent weighs the output's elements. Nil: numbers drawn from the case's name.
	Cotangent []float64
	// FullPrecision: a network of bfloat16 computes this in float32, from a float32 input.
	FullPrecision bool
	// Kinks are the values of the first input at which the case has no derivative.
	Kinks []float64
	// Torch computes the output with autograd. Inputs come in the order of Inputs.
	Torch func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor
	// Gorgonia returns the output and then, for each Running input, the node that it becomes (or itself). Nil: the
	// case is not written in gorgonia.
	Gorgonia func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node
}

// Input is an array that a case depends on.
type Input struct {
	Name string
	oracle.Array
	// Activation: bfloat16 in a network of that type. Parameters are float32 there.
	Activation bool
	// Running statistics may be changed in place and have no gradient; all other inputs must stay what they are.
	Running bool
	// Like names an input whose gradient measures the differences of this one's, which may be zero but for rounding:
	// that of a bias before batch normalization.
	Like string
}

// Kind says what a value is.
type Kind string

// The kinds of values.
const (
	Output    Kind = "output"
	Gradient  Kind = "gradient"  // of an input
	Statistic Kind = "statistic" // a running input afterwards
)

// Value is an array that an engine has computed.
type Value struct {
	Name string // of the input; "" for the output of a case
	Kind Kind
	oracle.Array
	// Slopes: Data holds the gradient's products with as many directions, see Directions, in place of the gradient.
	Slopes bool
	// Like is that of the input.
	Like string
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

// rng draws numbers that are a function of the text.
func rng(text string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(text))
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}

// Draw is an array of values spread evenly over [low, high), a function of the name. They are float32 numbers, so that
// every precision but bfloat16 begins with the same.
func Draw(name string, low, high float64, shape ...int64) oracle.Array {
	a := oracle.Full(0, shape...)
	r := rng(name)
	for i := range a.Data {
		a.Data[i] = float64(float32(low + (high-low)*r.Float64()))
	}
	return a
}

// Distinct is an array of evenly spaced values over [low, high) in an order that is a function of the name. For maxima:
// neither a difference step nor rounding to bfloat16 changes which of fewer than 256 values is the largest.
func Distinct(name string, low, high float64, shape ...int64) oracle.Array {
	a := oracle.Full(0, shape...)
	for i, rank := range rng(name).Perm(len(a.Data)) {
		a.Data[i] = float64(float32(low + (high-low)*float64(rank)/float64(len(a.Data))))
	}
	return a
}

// Away is a with the values that lie within a margin of a kink moved off it, so that a difference step does not cross it.
func Away(a oracle.Array, margin float64, kinks ...float64) oracle.Array {
	moved := oracle.Array{Shape: a.Shape, Data: slices.Clone(a.Data)}
	for i, v := range a.Data {
		for _, k := range kinks {
			if math.Abs(v-k) < margin {
				moved.Data[i] = k + math.Copysign(margin, v-k)
			}
		}
	}
	return moved
}

// Directions are count vectors of n normally distributed numbers, along which a gradient of the named input is probed.
func Directions(name string, n, count int) [][]float64 {
	r := rng("direction of " + name)
	list := make([][]float64, count)
	for i := range list {
		list[i] = make([]float64, n)
		for j := range list[i] {
			list[i][j] = r.NormFloat64()
		}
	}
	return list
}

// cotangent is the weight of each of n elements of the output.
func (c Case) cotangent(n int) []float64 {
	if c.Cotangent != nil {
		return c.Cotangent
	}
	return Draw("cotangent of "+c.Name, -1, 1, int64(n)).Data
}
