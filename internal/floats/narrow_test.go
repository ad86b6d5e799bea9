package floats

import (
	"math"
	"testing"
)

// TestToHalf: the numbers around each limit; numpy.float16 gives the same.
func TestToHalf(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		name string
		v    float32
		want uint16
	}{
		{"zero", 0, 0},
		{"negative zero", float32(math.Copysign(0, -1)), 0x8000},
		{"one", 1, 0x3c00},
		{"a tie to the even one below", 1 + 1.0/2048, 0x3c00},
		{"a tie to the even one above", 1 + 3.0/2048, 0x3c02},
		{"above a tie", 1 + 1.0/2048 + 1.0/(1<<20), 0x3c01},
		{"negative", -2.5, 0xc100},
		{"carries into the exponent", 2 - 1.0/4096, 0x4000},
		{"greatest", 65504, 0x7bff},
		{"rounds to the greatest", 65519.996, 0x7bff},
		{"rounds to infinity", 65520, 0x7c00},
		{"beyond", -1e10, 0xfc00},
		{"infinity", inf, 0x7c00},
		{"negative infinity", -inf, 0xfc00},
		{"least normal", 0x1p-14, 0x0400},
		{"rounds to the least normal", 0x1p-14 - 0x1p-30, 0x0400},
		{"greatest subnormal", 0x1p-14 - 0x1p-24, 0x03ff},
		{"least subnormal", 0x1p-24, 1},
		{"a tie to zero", 0x1p-25, 0},
		{"above it", 0x1.000002p-25, 1},
		{"a subnormal tie to even", 0x3p-25, 2},
		{"float32's least", math.SmallestNonzeroFloat32, 0},
		{"NaN", float32(math.NaN()), 0x7e00},
	} {
		if got := ToHalf(c.v); got != c.want {
			t.Errorf("%s: %#04x, want %#04x", c.name, got, c.want)
		}
	}
}

// TestHalves: every half is exactly a float32, and narrows to itself.
func TestHalves(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		if got := ToHalf(Half(h)); got != h && !(h&0x7c00 == 0x7c00 && h&0x3ff != 0 && got == h|0x200) {
			t.Fatalf("%#04x became %#04x", h, got)
		}
	}
}

// TestToBrain: rounding to bfloat16 is to nearest even.
func TestToBrain(t *testing.T) {
	for bits, want := range map[uint32]uint16{0x3f800000: 0x3f80, 0x3f808000: 0x3f80, 0x3f818000: 0x3f82, 0x3f808001: 0x3f81, 0x7f800000: 0x7f80, 0xff800000: 0xff80,
		0x7f7fffff: 0x7f80, 0x00000001: 0, 0x80000000: 0x8000, 0x7f800001: 0x7fc0, 0xffc00001: 0xffc0} {
		if got := ToBrain(math.Float32frombits(bits)); got != want {
			t.Errorf("%#x: %#x, want %#x", bits, got, want)
		}
	}
}
