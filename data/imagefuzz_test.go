package data

import (
	"bytes"
	"testing"

	"depthwise.dev/data/internal/datatest"
	"depthwise.dev/data/internal/sys"
	"depthwise.dev/data/jpeg"
)

// FuzzImage feeds damaged files of every format through the door that the loader uses:
// the same bytes meet the same fate and give the same pixels, turned or not.
func FuzzImage(f *testing.F) {
	for _, path := range []string{
		"jpeg/testdata/one.jpg", "jpeg/testdata/progressive_gray.jpg", "jpeg/testdata/cmyk.jpg", "jpeg/testdata/arithmetic.jpg", "jpeg/testdata/restart.jpg",
		"testdata/exif/6.jpg", "testdata/exif/6.png", "testdata/exif/6.webp", "testdata/formats/gray.png", "testdata/formats/palette.bmp",
		"testdata/troubles/corner.gif", "testdata/troubles/animated_lossy.webp", "testdata/troubles/turned.tif", "testdata/troubles/two.mpo",
	} {
		f.Add(datatest.Read(f, path), uint64(1))
	}
	r := openReader(f)
	datatest.RestoreDisk(f)
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		sys.Disk.ReadFile = func(string, func() ([]byte, error)) ([]byte, error) { return data, nil }
		if !affordable(r, data) {
			return
		}
		r.exif = seed%2 == 1
		o := training(0)
		l := &Loader{set: &Dataset{Samples: []Sample{{Path: "fuzzed"}}}, options: o}
		l.options.Train, l.options.Preprocess.EXIF, l.options.Seed = seed%4 < 2, r.exif, seed
		once, twice := make([]byte, 3*24*24), make([]byte, 3*24*24)
		first := l.load(t.Context(), r, 0, 0, 0, once)
		second := l.load(t.Context(), r, 0, 0, 0, twice)
		if (first == nil) != (second == nil) || first == nil && !bytes.Equal(once, twice) {
			t.Errorf("two loads differ: %v, %v", first, second)
		}
		if first == nil && r.Check(t.Context(), l.set.Samples[0]) != nil {
			t.Error("the check refuses what can be decoded")
		}
	})
}

// affordable reports whether an image is small enough for a fuzzer, and looks for damage in it.
func affordable(r *ImageReader, data []byte) bool {
	kind, reason := formatOf(data)
	switch {
	case reason != "":
		return true
	case kind == FormatJPEG:
		w, h, err := r.jpeg.Size(data)
		if err != nil {
			return true
		}
		if w*h > 1<<20 {
			return false
		}
		jpeg.Damage(data)
		return true
	case kind == FormatPNM:
		return true
	}
	n, err := readConfigSafely(kind, data)
	return err != nil || n <= 1<<20
}
