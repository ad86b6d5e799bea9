//go:build cgo

package jpeg

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"testing"
)

// newLibjpeg returns a decoder that leaves all to libjpeg-turbo: the oracle.
func newLibjpeg(t testing.TB) *Decoder {
	t.Helper()
	t.Setenv(Environment, "libjpeg")
	return newDecoder(t)
}

// expectSame fails when the two decoders disagree on a crop, or on whether there is one.
func expectSame(t *testing.T, own, oracle *Decoder, data []byte, crop image.Rectangle) {
	t.Helper()
	got, want := make([]byte, 3*crop.Dx()*crop.Dy()), make([]byte, 3*crop.Dx()*crop.Dy())
	gotErr, wantErr := own.Decode(data, crop, got), oracle.Decode(data, crop, want)
	if (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("crop %v: %v, libjpeg %v", crop, gotErr, wantErr)
	}
	if gotErr == nil && !bytes.Equal(got, want) {
		t.Fatalf("crop %v differs by up to %d", crop, largestDifference(got, want))
	}
}

var (
	gray   = [3][2]int{{1, 1}}
	s444   = [3][2]int{{1, 1}, {1, 1}, {1, 1}}
	s422   = [3][2]int{{2, 1}, {1, 1}, {1, 1}}
	s420   = [3][2]int{{2, 2}, {1, 1}, {1, 1}}
	s440   = [3][2]int{{1, 2}, {1, 1}, {1, 1}}
	s411   = [3][2]int{{4, 1}, {1, 1}, {1, 1}}
	s444x2 = [3][2]int{{2, 2}, {2, 2}, {2, 2}}
)

// The files that the own decoder must not refuse, and some that it may.
func generatedFiles() map[string]struct {
	generated
	own bool
} {
	type entry = struct {
		generated
		own bool
	}
	files := map[string]entry{
		"gray 2x2":          {generated{width: 40, height: 33, sampling: [3][2]int{{2, 2}}, components: 1, density: 0.1, most: 20, factor: 9}, false},
		"4:4:0":             {generated{width: 61, height: 47, sampling: s440, components: 3, density: 0.1, most: 20, factor: 9}, false},
		"4:1:1":             {generated{width: 61, height: 47, sampling: s411, components: 3, density: 0.1, most: 20, factor: 9}, false},
		"4:4:4 as 2x2":      {generated{width: 61, height: 47, sampling: s444x2, components: 3, density: 0.1, most: 20, factor: 9}, false},
		"narrow 4:2:0":      {generated{width: 4, height: 47, sampling: s420, components: 3, density: 0.1, most: 20, factor: 9}, false},
		"beyond all ranges": {generated{width: 61, height: 47, sampling: s420, components: 3, density: 0.5, most: 1000, factor: 255}, false},
	}
	for name, s := range map[string]entry{
		"gray":  {generated{sampling: gray, components: 1}, true},
		"4:4:4": {generated{sampling: s444, components: 3}, true},
		"4:2:2": {generated{sampling: s422, components: 3}, true},
		"4:2:0": {generated{sampling: s420, components: 3}, true},
	} {
		for i, size := range [][2]int{{61, 47}, {5, 1}, {16, 16}, {17, 33}, {150, 40}, {8, 90}, {64, 65}} {
			for j, restart := range []int{0, 1, 3, 7, 1000} {
				g := s.generated
				g.width, g.height, g.restart = size[0], size[1], restart
				g.randomTables = (i+j)%2 == 0
				g.density, g.most, g.factor = []float64{0, 0.02, 0.3, 0.9}[(i+2*j)%4], []int{1, 12, 90}[(i+j)%3], []int{1, 4, 20}[j%3]
				if g.density*float64(g.most*g.factor) > 60 {
					g.most, g.factor = 12, 2 // within what 8 bits of samples come to
				}
				files[fmt.Sprintf("%s %dx%d restart %d", name, g.width, g.height, restart)] = entry{g, true}
			}
		}
	}
	return files
}

func TestOwnDecoderEqualsLibjpeg(t *testing.T) {
	withISAVariants(t, func(t *testing.T, own *Decoder) {
		oracle := newLibjpeg(t)
		for name, f := range generatedFiles() {
			t.Run(name, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(11, uint64(len(name))))
				data := f.file(rng)
				before := own.Stats().Own
				expectSame(t, own, oracle, data, image.Rect(0, 0, f.width, f.height))
				for range 20 {
					expectSame(t, own, oracle, data, randomCrop(rng, f.width, f.height))
				}
				if used := own.Stats().Own - before; f.own != (used == 21) && (f.own || used != 0) {
					t.Errorf("%d of 21 decodes were the own decoder's", used)
				}
			})
		}
	})
}

// Files of another encoder, at all qualities: its tables are the standard's.
func TestOwnDecoderEqualsLibjpegOnPictures(t *testing.T) {
	source := newDecoder(t)
	pixels, w, h := full(t, source, read(t, "../testdata/geometry/150x113.jpg"))
	picture := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		copy(picture.Pix[4*i:], append(pixels[3*i:3*i+3:3*i+3], 255))
	}
	var files [][]byte
	for _, quality := range []int{1, 20, 50, 75, 90, 95, 100} {
		var out bytes.Buffer
		if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality}); err != nil {
			t.Fatal(err)
		}
		files = append(files, out.Bytes())
	}
	withISAVariants(t, func(t *testing.T, own *Decoder) {
		oracle := newLibjpeg(t)
		rng := rand.New(rand.NewPCG(12, 13))
		for i, data := range files {
			for range 30 {
				expectSame(t, own, oracle, data, randomCrop(rng, w, h))
			}
			if got := own.Stats(); got.Own != uint64(30*(i+1)) {
				t.Errorf("of 30 decodes of file %d some were libjpeg's: %+v", i, got)
			}
		}
	})
}

// Whatever one flipped byte does to a file, both decoders make the same of it.
func TestDamagedFilesGiveTheSamePixels(t *testing.T) {
	withISAVariants(t, func(t *testing.T, own *Decoder) {
		oracle := newLibjpeg(t)
		rng := rand.New(rand.NewPCG(14, 15))
		for _, restart := range []int{0, 2} {
			g := generated{width: 70, height: 50, sampling: s420, components: 3, restart: restart, randomTables: true}
			g.density, g.most, g.factor = 0.1, 30, 6
			data := g.file(rng)
			for range 1500 {
				damaged := bytes.Clone(data)
				damaged[rng.IntN(len(damaged))] ^= 1 << rng.IntN(8)
				w, h, err := oracle.Size(damaged)
				if err != nil || w*h > 1<<16 {
					continue
				}
				expectSame(t, own, oracle, damaged, randomCrop(rng, w, h))
			}
		}
		if got := own.Stats(); got.Own < 100 || got.ByLibjpeg < 100 {
			t.Errorf("the damage was of one kind: %+v", got)
		}
	})
}
