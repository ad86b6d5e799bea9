//go:build cgo

package jpeg

import (
	"bytes"
	"image"
	"math/rand/v2"
	"testing"
)

// FuzzDecode feeds damaged files. Each is refused, or its crop is the same by our own
// decoder in two isaVariants and by libjpeg-turbo alone, twice, and as a resize of itself.
func FuzzDecode(f *testing.F) {
	for _, path := range samples(f) {
		f.Add(read(f, path), uint16(7), uint16(5), uint16(30), uint16(20), uint8(16))
	}
	for i, g := range []generated{
		{width: 40, height: 30, sampling: gray, components: 1, restart: 2, density: 0.1, most: 20, factor: 9},
		{width: 33, height: 17, sampling: s444, components: 3, randomTables: true, density: 0.2, most: 20, factor: 9},
		{width: 64, height: 20, sampling: s422, components: 3, restart: 1, randomTables: true, density: 0.05, most: 90, factor: 9},
		{width: 50, height: 49, sampling: s420, components: 3, restart: 3, density: 0.1, most: 20, factor: 9},
		{width: 50, height: 49, sampling: s420, components: 3, density: 0.5, most: 400, factor: 20},
		{width: 1010, height: 70, sampling: s420, components: 3, density: 0.02, most: 20, factor: 9},
	} {
		f.Add(g.file(rand.New(rand.NewPCG(16, uint64(i)))), uint16(0), uint16(3), uint16(40), uint16(20), uint8(9))
	}
	best := newDecoder(f)
	oracle := newLibjpeg(f)
	f.Setenv(Environment, "portable")
	portable := newDecoder(f)
	f.Fuzz(func(t *testing.T, data []byte, x, y, w, h uint16, out uint8) {
		width, height, err := oracle.Size(data)
		if err != nil || width*height > 1<<20 {
			return
		}
		crop := image.Rect(int(x)%width, int(y)%height, int(x)%width+1+int(w)%width, int(y)%height+1+int(h)%height)
		crop = crop.Intersect(image.Rect(0, 0, width, height))
		expectSame(t, best, oracle, data, crop)
		expectSame(t, portable, oracle, data, crop)
		expectSame(t, oracle, oracle, data, crop)
		n := 1 + int(out)%64
		r := square(crop.Min.X, crop.Min.Y, crop.Dx(), crop.Dy(), n)
		got, want := make([]byte, 3*n*n), make([]byte, 3*n*n)
		gotErr, wantErr := best.DecodeResized(data, r, got, 3*n), oracle.DecodeResized(data, r, want, 3*n)
		if (gotErr == nil) != (wantErr == nil) || gotErr == nil && !bytes.Equal(got, want) {
			t.Errorf("crop %v resized to %d: %v, libjpeg %v, differs by up to %d", crop, n, gotErr, wantErr, largestDifference(got, want))
		}
		r.Fast = true
		gotErr, wantErr = best.DecodeResized(data, r, got, 3*n), portable.DecodeResized(data, r, want, 3*n)
		if (gotErr == nil) != (wantErr == nil) || gotErr == nil && !bytes.Equal(got, want) {
			t.Errorf("crop %v halved to %d: %v, portable %v, differs by up to %d", crop, n, gotErr, wantErr, largestDifference(got, want))
		}
	})
}

// FuzzResize compares the resize's isaVariants on images and axes of every kind.
func FuzzResize(f *testing.F) {
	f.Add(uint64(1), uint16(500), uint16(375), uint16(224), uint16(224))
	f.Add(uint64(2), uint16(3), uint16(1), uint16(900), uint16(5))
	f.Add(uint64(3), uint16(2000), uint16(2), uint16(7), uint16(2))
	best := newDecoder(f)
	f.Setenv(Environment, "portable")
	portable := newDecoder(f)
	f.Setenv(Environment, "avx2")
	middle := newDecoder(f)
	f.Fuzz(func(t *testing.T, seed uint64, w, h, toW, toH uint16) {
		width, height := 1+int(w)%3000, 1+int(h)%3000
		if width*height > 1<<17 {
			height = 1<<17/width + 1
		}
		rng := rand.New(rand.NewPCG(seed, 17))
		src := extremes(rng, 3*width*height)
		r := Resize{X: randomAxis(rng, width), Y: randomAxis(rng, height), Filter: Filter(seed / 2 % 2), Flip: seed%2 == 1}
		r.X.Scaled, r.X.First, r.X.Count = 1+int(toW)%600, 0, 1+int(toW)%600
		r.Y.Scaled, r.Y.First, r.Y.Count = 1+int(toH)%600, 0, 1+int(toH)%600
		want := resize(t, portable, src, width, height, r)
		for _, d := range []*Decoder{best, middle} {
			if got := resize(t, d, src, width, height, r); !bytes.Equal(got, want) {
				t.Errorf("%dx%d %+v differs by up to %d in isa %s", width, height, r, largestDifference(got, want), d.Stats().ISA)
			}
		}
	})
}
