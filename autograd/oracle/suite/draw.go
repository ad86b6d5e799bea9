package suite

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"depthwise.dev/autograd/oracle"
)

// rng returns a generator whose seed is a hash of the text.
func rng(text string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(text))
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}

// Draw returns an array of uniformly distributed values in [low, high), a function of the name.
// They are float32 numbers, so that every precision but bfloat16 starts from the same values.
func Draw(name string, low, high float64, shape ...int64) oracle.Array {
	a := oracle.Full(0, shape...)
	r := rng(name)
	for i := range a.Data {
		a.Data[i] = float64(float32(low + (high-low)*r.Float64()))
	}
	return a
}

// Distinct returns an array of evenly spaced values in [low, high) in an order that is a function
// of the name. It is for maxima: neither a difference step nor rounding to bfloat16 changes which
// of fewer than 256 values is the largest.
func Distinct(name string, low, high float64, shape ...int64) oracle.Array {
	a := oracle.Full(0, shape...)
	for i, rank := range rng(name).Perm(len(a.Data)) {
		a.Data[i] = float64(float32(low + (high-low)*float64(rank)/float64(len(a.Data))))
	}
	return a
}

// Away returns a with the values that are within the margin of a kink moved to that distance, so
// that no difference step crosses it.
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

// Separate returns images a (N, C, H, W) with all values that share a window of side x side
// positions at least a margin apart, and at least half a margin from zero, the value of padding. It
// rounds each value to a grid of its own: those of the side*side positions of a window are offset
// by one margin each.
func Separate(a oracle.Array, margin float64, side int) oracle.Array {
	moved := oracle.Array{Shape: a.Shape, Data: slices.Clone(a.Data)}
	height, width := int(a.Shape[2]), int(a.Shape[3])
	spacing := margin * float64(side*side)
	for i, v := range a.Data {
		row, column := i/width%height, i%width
		offset := float64(row%side*side+column%side) + 0.5
		moved.Data[i] = math.Floor(v/spacing)*spacing + offset*margin
	}
	return moved
}

// Directions returns count vectors of n normally distributed numbers, along which differences probe
// the gradient of the named input.
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
