//go:build cgo

package jpeg

import (
	"image"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
)

// resize calls ResizeRGB with rows that are some bytes further apart than they must be.
func resize(t testing.TB, d *Decoder, src []byte, w, h int, r Resize) []byte {
	t.Helper()
	stride := 3*r.X.Count + 5
	dst := make([]byte, stride*r.Y.Count)
	if err := d.ResizeRGB(src, w, h, r, dst, stride); err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	return unstride(dst, stride, r)
}

// isaVariants are the kinds of inner loops; a processor that lacks one runs the next slower one.
var isaVariants = []string{"portable", "avx2", "avx512"}

// withISAVariants runs a test once with each kind of inner loops.
func withISAVariants(t *testing.T, test func(t *testing.T, d *Decoder)) {
	for _, isa := range isaVariants {
		t.Run(isa, func(t *testing.T) {
			t.Setenv(Environment, isa)
			d := newDecoder(t)
			if got := d.Stats().ISA; got != isa {
				t.Skipf("this processor runs %s instead", got)
			}
			test(t, d)
		})
	}
}

func TestResizeEqualsTheReference(t *testing.T) {
	withISAVariants(t, func(t *testing.T, d *Decoder) {
		rng := rand.New(rand.NewPCG(3, 4))
		for range 400 {
			w, h := 1+rng.IntN(60), 1+rng.IntN(60)
			src := extremes(rng, 3*w*h)
			r := Resize{X: randomAxis(rng, w), Y: randomAxis(rng, h), Filter: Filter(rng.IntN(2)), Flip: rng.IntN(2) == 1}
			if worst := largestDifference(resize(t, d, src, w, h, r), referenceResize(src, w, r)); worst != 0 {
				t.Fatalf("%dx%d %+v differs by up to %d", w, h, r, worst)
			}
		}
	})
}

// extremes returns bytes that are mostly 0 or 254, where rounding shows.
func extremes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.UintN(3) * 127)
	}
	return b
}

// Every reduction from none to 100 times, so that each kind of window is met, and outputs that fill no register.
func TestReductionsEqualTheReference(t *testing.T) {
	withISAVariants(t, func(t *testing.T, d *Decoder) {
		rng := rand.New(rand.NewPCG(7, 8))
		for size := 1; size <= 1200; size += 1 + size/9 {
			for k, scaled := range []int{12, 12, 33, 33, 224, 224} {
				filter := Filter(k % 2)
				src := extremes(rng, 3*size*2)
				a := Axis{Size: size, Scaled: scaled, Count: scaled}
				r := Resize{X: a, Y: Axis{Size: 2, Scaled: 2, Count: 2}, Filter: filter, Flip: size%2 == 1}
				if worst := largestDifference(resize(t, d, src, size, 2, r), referenceResize(src, size, r)); worst != 0 {
					t.Fatalf("filter %d: width %d to %d differs by up to %d", filter, size, scaled, worst)
				}
				src = extremes(rng, 3*size)
				r = Resize{X: Axis{Size: 1, Scaled: 1, Count: 1}, Y: a, Filter: filter}
				if worst := largestDifference(resize(t, d, src, 1, size, r), referenceResize(src, 1, r)); worst != 0 {
					t.Fatalf("filter %d: height %d to %d differs by up to %d", filter, size, scaled, worst)
				}
			}
		}
	})
}

func TestDecodeResizedEqualsDecodeThenResize(t *testing.T) {
	d := newDecoder(t)
	rng := rand.New(rand.NewPCG(5, 6))
	for _, path := range samples(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data := read(t, path)
			whole, w, h := full(t, d, data)
			for range 100 {
				r := Resize{X: randomAxis(rng, w), Y: randomAxis(rng, h), Filter: Filter(rng.IntN(2)), Flip: rng.IntN(2) == 1}
				stride := 3*r.X.Count + 1
				got := make([]byte, stride*r.Y.Count)
				if err := d.DecodeResized(data, r, got, stride); err != nil {
					t.Fatalf("%+v: %v", r, err)
				}
				if worst := largestDifference(unstride(got, stride, r), resize(t, d, whole, w, h, r)); worst != 0 {
					t.Fatalf("%+v differs by up to %d", r, worst)
				}
			}
		})
	}
}

func TestResizeOfTheSameSizeCopies(t *testing.T) {
	d := newDecoder(t)
	src, w, h := full(t, d, read(t, "testdata/420.jpg"))
	for _, filter := range []Filter{Bilinear, Bicubic} {
		r := Resize{X: Axis{Size: w, Scaled: w, Count: w}, Y: Axis{Size: h, Scaled: h, Count: h}, Filter: filter}
		if worst := largestDifference(resize(t, d, src, w, h, r), src); worst != 0 {
			t.Errorf("filter %d differs by up to %d", filter, worst)
		}
	}
}

func TestResizeRefuses(t *testing.T) {
	d := newDecoder(t)
	data := read(t, "testdata/420.jpg") // 61x47
	x := Axis{Size: 61, Scaled: 20, Count: 20}
	y := Axis{Size: 47, Scaled: 20, Count: 20}
	bad := func(change func(*Axis)) Axis {
		a := x
		change(&a)
		return a
	}
	for _, c := range []struct {
		name   string
		x, y   Axis
		stride int
		bytes  int
		want   string
		filter Filter
	}{
		{"a short row", x, y, 59, 1200, "cannot hold", Bilinear},
		{"a short destination", x, y, 60, 1199, "cannot hold", Bilinear},
		{"a window that is too wide", bad(func(a *Axis) { a.First = 1 }), y, 60, 1200, "not a resize", Bilinear},
		{"nothing wanted", bad(func(a *Axis) { a.Count = 0 }), y, 60, 1200, "not a resize", Bilinear},
		{"nothing to resize", bad(func(a *Axis) { a.Size = 0 }), y, 60, 1200, "not a resize", Bilinear},
		{"a negative origin", bad(func(a *Axis) { a.Origin = -1 }), y, 60, 1200, "not a resize", Bilinear},
		{"an overflow", bad(func(a *Axis) { a.First = 1 << 40 }), y, 60, 1200, "not a resize", Bilinear},
		{"a region outside", bad(func(a *Axis) { a.Origin = 1 }), y, 60, 1200, "not inside", Bilinear},
		{"an unknown filter", x, y, 60, 1200, "not a resize", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			dst := make([]byte, c.bytes)
			r := Resize{X: c.x, Y: c.y, Filter: c.filter}
			if err := d.DecodeResized(data, r, dst, c.stride); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("DecodeResized: error %v, want %q", err, c.want)
			}
			if err := d.ResizeRGB(make([]byte, 3*61*47), 61, 47, r, dst, c.stride); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("ResizeRGB: error %v, want %q", err, c.want)
			}
		})
	}
	if err := d.ResizeRGB(make([]byte, 10), 61, 47, Resize{X: x, Y: y}, make([]byte, 1200), 60); err == nil {
		t.Error("a short source was accepted")
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	d := newDecoder(t)
	r := Resize{X: Axis{Size: 61, Scaled: 32, Count: 32}, Y: Axis{Size: 47, Scaled: 32, Count: 32}}
	dst := make([]byte, 3*32*32)
	crop := make([]byte, 3*20*20)
	n := testing.AllocsPerRun(50, func() {
		data, err := d.ReadFile("testdata/420.jpg", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Size(data); err != nil {
			t.Fatal(err)
		}
		if err := d.DecodeResized(data, r, dst, 96); err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(data, image.Rect(10, 10, 30, 30), crop); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations an image, want none", n)
	}
}
