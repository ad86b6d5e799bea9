package floats

import "math"

// ToHalf narrows to an IEEE 754 half, to the nearest, of two as near to the even one. Finite numbers from 65520 up give an
// infinity; NaN stays NaN.
func ToHalf(v float32) uint16 {
	const (
		normal   = 0x38800000 // 2^-14, the least normal half
		beyond   = 0x47800000 // 2^16
		infinity = 0x7f800000
	)
	b := math.Float32bits(v)
	sign, magnitude := uint16(b>>16)&0x8000, b&0x7fffffff
	switch {
	case magnitude > infinity: // NaN: quiet, with the upper bits of its payload
		return sign | 0x7e00 | uint16(magnitude>>13)&0x3ff
	case magnitude >= beyond:
		return sign | 0x7c00
	case magnitude < normal: // a multiple of 2^-24
		return sign | uint16(math.RoundToEven(math.Abs(float64(v))*(1<<24)))
	}
	return sign | uint16((magnitude-(127-15)<<23+0xfff+magnitude>>13&1)>>13)
}

// ToBrain narrows to a bfloat16, to the nearest, of two as near to the even one. NaN stays NaN.
func ToBrain(v float32) uint16 {
	bits := math.Float32bits(v)
	if v != v {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
