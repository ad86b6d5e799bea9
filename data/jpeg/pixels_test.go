//go:build cgo

package jpeg

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestImageMapAndHistogram: sizes around those that are worked on at a time, against
// one byte after the other. Bytes beyond the image stay.
func TestImageMapAndHistogram(t *testing.T) {
	withISAVariants(t, testMapAndHistogram)
}

func testMapAndHistogram(t *testing.T, _ *Decoder) {
	rng := rand.New(rand.NewPCG(1, 2))
	var tables Tables
	for c := range tables {
		for v := range tables[c] {
			tables[c][v] = uint8(rng.Uint32())
		}
	}
	for _, pixels := range []int{1, 2, 20, 21, 22, 42, 63, 64, 65, 85, 128, 255, 256, 257, 1000} {
		const margin = 5
		image := make([]byte, 3*pixels+margin)
		for i := range image {
			image[i] = uint8(rng.Uint32())
		}
		want, counts := bytes.Clone(image), Counts{}
		for i := range 3 * pixels {
			counts[i%3][want[i]]++
			want[i] = tables[i%3][want[i]]
		}
		im := Image{Pixels: image, Width: pixels, Height: 1}
		var got Counts
		im.Histogram(&got)
		if got != counts {
			t.Errorf("%d pixels: the histogram is not that of the bytes", pixels)
		}
		if im.Map(&tables); !bytes.Equal(image, want) {
			t.Errorf("%d pixels: not the tables' values", pixels)
		}
	}
}

// TestImageIdentities: arguments that change nothing, at sizes around the blocks.
func TestImageIdentities(t *testing.T) {
	withISAVariants(t, testIdentities)
}

func testIdentities(t *testing.T, _ *Decoder) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, size := range [][2]int{{1, 1}, {3, 3}, {255, 2}, {256, 3}, {257, 3}, {64, 64}} {
		im := Image{Pixels: make([]byte, 3*size[0]*size[1]), Width: size[0], Height: size[1]}
		for i := range im.Pixels {
			im.Pixels[i] = uint8(rng.Uint32())
		}
		src := bytes.Clone(im.Pixels)
		half := [2]float32{float32(im.Width) / 2, float32(im.Height) / 2}
		for name, f := range map[string]func(){
			"saturate": func() { im.Saturate(1, 0) },
			"sharpen":  func() { im.Sharpen(src, 0) },
			"warp":     func() { im.Warp(src, &Affine{1 / half[0], 0, 0, 0, 1 / half[1], 0}) },
			"mix":      func() { Mix(im.Pixels, make([]byte, len(src)), 1) },
			"hue":      func() { im.ShiftHue(0) },
		} {
			if name == "sharpen" && (im.Width < 3 || im.Height < 3) {
				continue
			}
			f()
			for i := range src {
				if d := int(im.Pixels[i]) - int(src[i]); d != 0 && (name != "hue" || d < -1 || d > 1) { // to hue and back truncates
					t.Errorf("%s of %v: byte %d is %d, was %d", name, size, i, im.Pixels[i], src[i])
					break
				}
			}
			copy(im.Pixels, src)
		}
	}
}

// TestISAVariantsGiveTheSameBits: the golden tests of package data hold the fastest isa
// to torchvision's pixels, and this one the others to it.
func TestISAVariantsGiveTheSameBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	src := make([]byte, 3*301*70)
	for i := range src {
		src[i] = uint8(rng.Uint32())
	}
	operations := map[string]func(Image) uint64{
		"gray":     func(im Image) uint64 { return im.GraySum() },
		"saturate": func(im Image) uint64 { im.Saturate(1.73, 1-1.73); return 0 },
		"hue":      func(im Image) uint64 { im.ShiftHue(-0.21); return 0 },
		"sharpen":  func(im Image) uint64 { im.Sharpen(src, 1-1.9); return 0 },
		"warp":     func(im Image) uint64 { im.Warp(src, &Affine{0.005, 0.002, 0.1, -0.004, 0.03, -0.2}); return 0 },
		"mix":      func(im Image) uint64 { Mix(im.Pixels, bytes.Repeat([]byte{9, 200, 77}, 301*70), 0.37); return 0 },
	}
	for name, f := range operations {
		var want []byte
		var number uint64
		withISAVariants(t, func(t *testing.T, _ *Decoder) {
			im := Image{Pixels: bytes.Clone(src), Width: 301, Height: 70}
			n := f(im)
			if want == nil {
				want, number = im.Pixels, n
			}
			if !bytes.Equal(im.Pixels, want) || n != number {
				t.Errorf("%s: other bits", name)
			}
		})
	}
}
