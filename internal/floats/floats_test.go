package floats

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// Oracle: the 65536 halves, computed as sign * significand * 2^exponent in float64.
func TestFloat16(t *testing.T) {
	for h := range 1 << 16 {
		exponent, fraction := h>>10&31, float64(h&1023)
		want := math.Ldexp(1+fraction/1024, exponent-15)
		switch {
		case exponent == 0:
			want = math.Ldexp(fraction/1024, -14)
		case exponent == 31 && fraction == 0:
			want = math.Inf(1)
		case exponent == 31:
			want = math.NaN()
		}
		want = math.Copysign(want, float64(1-h>>15*2))
		got := float64(Half(uint16(h)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != math.Signbit(want) {
			t.Fatalf("half %#04x is %g, want %g", h, got, want)
		}
	}
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		name string
		kind Type
		raw  []byte // little-endian
		want []float32
	}{
		{"float16", Float16, []byte{0x00, 0x3c, 0x00, 0xc0}, []float32{1, -2}},
		{"bfloat16", BFloat16, []byte{0x80, 0x3f, 0x00, 0xc0}, []float32{1, -2}},
		{"float32", Float32, []byte{0, 0, 0x80, 0x3f}, []float32{1}},
		{"float64", Float64, []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}, []float32{1}},
		{"infinity in float64", Float64, []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x7f}, []float32{float32(math.Inf(1))}},
		{"int64", Int64, []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []float32{-2}},
		{"int32", Int32, []byte{0xfe, 0xff, 0xff, 0xff}, []float32{-2}},
		{"int16", Int16, []byte{0xfe, 0xff}, []float32{-2}},
		{"int8", Int8, []byte{0xfe}, []float32{-2}},
		{"uint8", Uint8, []byte{0xfe, 1}, []float32{254, 1}},
	} {
		got, err := Decode(c.kind, binary.LittleEndian, c.raw)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
		for i, n := 0, c.kind.Size(); i < len(c.raw); i += n {
			slices.Reverse(c.raw[i : i+n])
		}
		if got, err := Decode(c.kind, binary.BigEndian, c.raw); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s big-endian: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
	if v, err := Decode(Float64, binary.LittleEndian, binary.LittleEndian.AppendUint64(nil, math.Float64bits(1e300))); err == nil {
		t.Errorf("1e300 is %v", v)
	}
}
