package gopackage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/formats/deploy"
	"depthwise.dev/formats/gopackage/classifier"
)

// classifierFor returns a classifier with some preprocessing.
func classifierFor(t *testing.T, p data.Preprocess) *classifier.Classifier {
	t.Helper()
	w := small(t)
	g, err := w.Graph.Resize(p.Resolution, p.Resolution)
	if err != nil {
		t.Fatal(err)
	}
	p.Mean, p.Std = w.Preprocess.Mean, w.Preprocess.Std
	w.Graph, w.Preprocess = g, p
	n, err := deploy.New(w, deploy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := encode(n, classifier.Float32, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := classifier.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pixels are those that the package makes of a file and those of package data, which training uses.
func pixels(t *testing.T, file []byte, p data.Preprocess) (got, want []uint8) {
	t.Helper()
	c := classifierFor(t, p)
	img, err := c.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if got, err = c.Pixels(img); err != nil {
		t.Fatal(err)
	}
	if want, err = data.DecodeImage(file, p); err != nil {
		t.Fatal(err)
	}
	return got, want
}

// random draws pixels of an image type.
func random(im interface {
	image.Image
	Set(x, y int, c color.Color)
}) image.Image {
	rng := rand.New(rand.NewPCG(5, 6))
	b := im.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			im.Set(x, y, color.NRGBA64{uint16(rng.Uint32()), uint16(rng.Uint32()), uint16(rng.Uint32()), uint16(rng.Uint32())})
		}
	}
	return im
}

func encodePNG(t *testing.T, im image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPixelsOfSizes: every kind of preprocessing gives the pixels of training, at sizes that are enlarged and reduced.
func TestPixelsOfSizes(t *testing.T) {
	for _, fit := range []string{"", data.FitCrop, data.FitPad, data.FitLetterbox} {
		for _, interpolation := range []string{"", data.Bilinear, data.Bicubic} {
			for _, size := range []image.Point{{1, 1}, {24, 24}, {23, 40}, {40, 23}, {57, 56}, {300, 7}, {7, 300}, {131, 257}} {
				t.Run(fmt.Sprintf("%s %s %v", fit, interpolation, size), func(t *testing.T) {
					p := data.Preprocess{Resolution: 24, Fit: fit, Interpolation: interpolation}
					if interpolation == "" {
						p.Resize = 31
					}
					if got, want := pixels(t, encodePNG(t, random(image.NewNRGBA(image.Rectangle{Max: size}))), p); !bytes.Equal(got, want) {
						t.Error("the pixels differ")
					}
				})
			}
		}
	}
}

// TestPixelsOfTypes: all types of PNG, and GIF.
func TestPixelsOfTypes(t *testing.T) {
	r := image.Rect(0, 0, 37, 30)
	palette := color.Palette{color.NRGBA{1, 2, 3, 255}, color.NRGBA{200, 100, 50, 0}, color.NRGBA{9, 99, 199, 128}}
	opaque := image.NewPaletted(r, color.Palette{color.NRGBA{1, 2, 3, 255}, color.NRGBA{200, 100, 50, 255}})
	var b bytes.Buffer
	if err := gif.Encode(&b, random(opaque), nil); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"gray":               encodePNG(t, random(image.NewGray(r))),
		"gray, 16 bits":      encodePNG(t, random(image.NewGray16(r))),
		"alpha":              encodePNG(t, random(image.NewNRGBA(r))),
		"alpha, 16 bits":     encodePNG(t, random(image.NewNRGBA64(r))),
		"palette with alpha": encodePNG(t, random(image.NewPaletted(r, palette))),
		"GIF":                b.Bytes(),
	} {
		if got, want := pixels(t, file, data.Preprocess{Resolution: 24}); !bytes.Equal(got, want) {
			t.Errorf("%s: the pixels differ", name)
		}
	}
}

// withOrientation adds a chunk eXIf to a PNG file, after its header.
func withOrientation(file []byte, orientation byte) []byte {
	chunk := append([]byte("eXIfMM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"), orientation, 0, 0, 0, 0, 0, 0)
	const header = 33 // signature and IHDR
	out := append(bytes.Clone(file[:header]), binary.BigEndian.AppendUint32(nil, uint32(len(chunk)-4))...)
	out = binary.BigEndian.AppendUint32(append(out, chunk...), crc32.ChecksumIEEE(chunk))
	return append(out, file[header:]...)
}

// TestPixelsOfOrientations: the EXIF orientation is applied if the preprocessing says so.
func TestPixelsOfOrientations(t *testing.T) {
	upright := encodePNG(t, random(image.NewNRGBA(image.Rect(0, 0, 45, 31))))
	for orientation := range byte(10) {
		for _, exif := range []bool{false, true} {
			for _, fit := range []string{data.FitCrop, data.FitPad} {
				got, want := pixels(t, withOrientation(upright, orientation), data.Preprocess{Resolution: 24, Resize: 29, Fit: fit, EXIF: exif})
				if !bytes.Equal(got, want) {
					t.Errorf("orientation %d, exif %v, %s: the pixels differ", orientation, exif, fit)
				}
			}
		}
	}
}

// TestPixelsOfJPEG: JPEG files of every chroma subsampling differ from libjpeg by rounding of the inverse cosine transform.
func TestPixelsOfJPEG(t *testing.T) {
	files, err := filepath.Glob("../../data/jpeg/testdata/*.jpg")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jpeg.Decode(bytes.NewReader(file)); err != nil {
			t.Logf("%s: the standard library does not decode it: %v", filepath.Base(name), err)
			continue
		}
		got, want := pixels(t, file, data.Preprocess{Resolution: 64, Resize: 64})
		sum, worst := 0, 0
		for i := range got {
			d := max(int(got[i])-int(want[i]), int(want[i])-int(got[i]))
			sum, worst = sum+d, max(worst, d)
		}
		mean := float64(sum) / float64(len(got))
		t.Logf("%s: differs by %.3f on average, at most %d", filepath.Base(name), mean, worst)
		if mean > 0.3 || worst > 8 {
			t.Errorf("%s: differs by %.3f on average, at most %d", filepath.Base(name), mean, worst)
		}
	}
}
