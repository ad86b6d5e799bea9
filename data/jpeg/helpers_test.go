package jpeg

import (
	"bytes"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// samples returns the names of testdata's JPEG files: every kind of compression and color.
func samples(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/*.jpg")
	if err != nil || len(names) < 15 {
		t.Fatalf("testdata holds %d JPEG files (%v)", len(names), err)
	}
	return names
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readRGB reads one of Pillow's decodes, kept as PNG.
func readRGB(t testing.TB, path string) (pixels []byte, width, height int) {
	t.Helper()
	im, err := png.Decode(bytes.NewReader(read(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	b := im.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			r, g, b, _ := im.At(x, y).RGBA()
			pixels = append(pixels, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	return pixels, b.Dx(), b.Dy()
}

func unstride(dst []byte, stride int, r Resize) []byte {
	var out []byte
	for y := range r.Y.Count {
		out = append(out, dst[y*stride:y*stride+3*r.X.Count]...)
	}
	return out
}

// randomAxis returns a region of n pixels and any window of an enlargement or a reduction of it.
func randomAxis(rng *rand.Rand, n int) Axis {
	origin := rng.IntN(n)
	size := 1 + rng.IntN(n-origin)
	scaled := 1 + rng.IntN(2*n)
	first := rng.IntN(scaled)
	return Axis{Origin: origin, Size: size, Scaled: scaled, First: first, Count: 1 + rng.IntN(scaled-first)}
}
