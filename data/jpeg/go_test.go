package jpeg

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestGoPixelsEqualTheMethods: with cgo, the loops in Go equal those in C bit for bit.
func TestGoPixelsEqualTheMethods(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, size := range [][2]int{{1, 1}, {3, 3}, {64, 48}, {255, 2}, {257, 31}} {
		width, height := size[0], size[1]
		src := make([]byte, 3*width*height)
		for round := range 30 {
			for i := range src {
				src[i] = byte(rng.Uint32())
				if round%3 == 0 {
					src[i] &= 0xc0 // equal channels occur
				}
			}
			var tables Tables
			for c := range tables {
				for v := range tables[c] {
					tables[c][v] = byte(rng.Uint32())
				}
			}
			shift, factor, rest := float32(rng.Float64()-0.5), float32(3*rng.Float64()), float32(2*rng.Float64()-1)
			m := &Affine{}
			for i := range m {
				m[i] = float32(2*rng.Float64()-1) / float32(width)
			}
			for _, c := range []struct {
				name   string
				method func(im Image)
				inGo   func(pixels []byte)
			}{
				{"map", func(im Image) { im.Map(&tables) }, func(p []byte) { goMap(p, &tables) }},
				{"saturate", func(im Image) { im.Saturate(factor, rest) }, func(p []byte) { goSaturate(p, factor, rest) }},
				{"hue", func(im Image) { im.ShiftHue(shift) }, func(p []byte) { goShiftHue(p, shift) }},
				{"sharpen", func(im Image) { im.Sharpen(src, rest) }, func(p []byte) { goSharpen(p, src, width, height, rest) }},
				{"warp", func(im Image) { im.Warp(src, m) }, func(p []byte) { goWarp(p, src, width, height, m) }},
				{"mix", func(im Image) { Mix(im.Pixels, bytes.ToUpper(src), shift+0.5) }, func(p []byte) { goMix(p, bytes.ToUpper(src), shift+0.5) }},
			} {
				if c.name == "sharpen" && (width < 3 || height < 3) {
					continue
				}
				want, got := bytes.Clone(src), bytes.Clone(src)
				c.method(Image{Pixels: want, Width: width, Height: height})
				c.inGo(got)
				if !bytes.Equal(got, want) {
					t.Fatalf("%s of %dx%d differs", c.name, width, height)
				}
			}
			var counts, inGo Counts
			im := Image{Pixels: src, Width: width, Height: height}
			im.Histogram(&counts)
			goHistogram(src, &inGo)
			if counts != inGo || im.GraySum() != goGraySum(src) {
				t.Fatalf("histogram or luma of %dx%d differs", width, height)
			}
		}
	}
}

func TestGoResizeEqualsTheReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		w, h := 1+rng.IntN(60), 1+rng.IntN(60)
		src := make([]byte, 3*w*h)
		for i := range src {
			src[i] = byte(rng.Uint32())
		}
		r := Resize{X: randomAxis(rng, w), Y: randomAxis(rng, h), Filter: Filter(rng.IntN(2)), Flip: rng.IntN(2) == 0}
		want := referenceResize(src, w, r)
		stride := 3*r.X.Count + 5
		got := make([]byte, stride*r.Y.Count)
		goResize(src, w, r, got, stride)
		if !bytes.Equal(unstride(got, stride, r), want) {
			t.Fatalf("%dx%d %+v differs", w, h, r)
		}
	}
}

// TestGoDecodeIsCloseToPillow: the difference is that of chroma upsampling.
func TestGoDecodeIsCloseToPillow(t *testing.T) {
	decoded := 0
	for _, name := range samples(t) {
		data := read(t, name)
		if strings.Contains(name, "arithmetic") || strings.Contains(name, "damage") || strings.Contains(name, "corrupt") {
			continue // the standard library does not read them
		}
		golden := strings.TrimSuffix(name, ".jpg") + ".png"
		if _, err := os.Stat(golden); err != nil {
			continue
		}
		got, w, h, err := goDecode(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, wantW, wantH := readRGB(t, golden)
		if w != wantW || h != wantH {
			t.Errorf("%s: %dx%d, want %dx%d", name, w, h, wantW, wantH)
			continue
		}
		sum := 0
		for i := range want {
			d := int(got[i]) - int(want[i])
			sum += max(d, -d)
		}
		if mean := float64(sum) / float64(len(want)); mean > 7 { // measured at most 6.1, on saturated pictures in 4:2:0
			t.Errorf("%s: differs by %.2f on average", name, mean)
		}
		decoded++
	}
	if decoded < 8 {
		t.Errorf("%d files were compared", decoded)
	}
}

func TestGoCheck(t *testing.T) {
	data := read(t, "testdata/gray.jpg")
	if err := goCheck(data); err != nil {
		t.Error(err)
	}
	for n := range data {
		if err := goCheck(data[:n]); err == nil && n < len(data)-2 {
			t.Errorf("%d of %d bytes pass", n, len(data))
		}
	}
	bomb := bytes.Clone(data)
	at := bytes.Index(bomb, []byte{0xff, 0xc0})
	copy(bomb[at+5:], "\xff\xff\xff\xff")
	if err := goCheck(bomb); err == nil || !strings.Contains(err.Error(), "89,478,485") {
		t.Errorf("a header of 65535x65535: %v", err)
	}
}

func TestGoReadFile(t *testing.T) {
	dir := t.TempDir()
	path, fifo := filepath.Join(dir, "a"), filepath.Join(dir, "fifo")
	if err := errors.Join(os.WriteFile(path, []byte("content"), 0o600), syscall.Mkfifo(fifo, 0o600)); err != nil {
		t.Fatal(err)
	}
	if got, err := goReadFile(path, 100, nil); string(got) != "content" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, c := range []struct {
		name, path string
		limit      int64
		want       error
	}{
		{"too large", path, 3, ErrTooLarge},
		{"a FIFO", fifo, 100, ErrNotRegular},
		{"a folder", dir, 100, ErrNotRegular},
		{"missing", path + "x", 100, fs.ErrNotExist},
	} {
		_, err := goReadFile(c.path, c.limit, nil)
		var where *fs.PathError
		if !errors.Is(err, c.want) || !errors.As(err, &where) || where.Path != c.path {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
