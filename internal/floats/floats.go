// Package floats widens or narrows stored numbers to float32, the precision of weights.
package floats

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Type is the element type of stored numbers.
type Type int

// The types that Decode reads.
const (
	Float16 Type = iota
	BFloat16
	Float32
	Float64
	Int64
	Int32
	Int16
	Int8
	Uint8
)

// names are NumPy's.
var names = []string{"float16", "bfloat16", "float32", "float64", "int64", "int32", "int16", "int8", "uint8"}

// sizes are in bytes.
var sizes = []int{2, 2, 4, 8, 8, 4, 2, 1, 1}

// String is the name of the type.
func (t Type) String() string {
	if t < 0 || int(t) >= len(names) {
		return fmt.Sprintf("type %d", int(t))
	}
	return names[t]
}

// Size is the length of a number in bytes.
func (t Type) Size() int { return sizes[t] }

// Floating reports whether numbers of the type are floating-point.
func (t Type) Floating() bool { return t <= Float64 }

// Decode converts numbers from their bytes. It returns an error for a float64 that is finite and beyond float32.
func Decode(t Type, order binary.ByteOrder, raw []byte) ([]float32, error) {
	size := t.Size()
	values := make([]float32, len(raw)/size)
	for i := range values {
		b := raw[i*size:]
		switch t {
		case Float16:
			values[i] = Half(order.Uint16(b))
		case BFloat16:
			values[i] = Brain(order.Uint16(b))
		case Float32:
			values[i] = math.Float32frombits(order.Uint32(b))
		case Float64:
			wide := math.Float64frombits(order.Uint64(b))
			if values[i] = float32(wide); math.IsInf(float64(values[i]), 0) && !math.IsInf(wide, 0) {
				return nil, fmt.Errorf("the float64 %g is beyond float32", wide)
			}
		case Int64:
			values[i] = float32(int64(order.Uint64(b)))
		case Int32:
			values[i] = float32(int32(order.Uint32(b)))
		case Int16:
			values[i] = float32(int16(order.Uint16(b)))
		case Int8:
			values[i] = float32(int8(b[0]))
		default:
			values[i] = float32(b[0])
		}
	}
	return values, nil
}

// Brain widens a bfloat16: the upper half of a float32.
func Brain(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// Half widens an IEEE 754 half: 1 sign, 5 exponent (bias 15) and 10 fraction bits. Every half is exactly a float32.
func Half(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent := uint32(h>>10) & 0x1f
	fraction := uint32(h) & 0x3ff
	switch exponent {
	case 0: // zero and subnormals: fraction * 2^-24
		magnitude := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(magnitude) | sign)
	case 0x1f: // infinity and NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}
