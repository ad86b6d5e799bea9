package data

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/data/internal/datatest"
	"depthwise.dev/data/jpeg"
)

// exifCase is a photograph with an EXIF segment, and what Pillow and torchvision make of it.
type exifCase struct {
	Orientation, Width, Height int
	Segment                    string // hexadecimal
	Crop                       []int  // x, y, width, height, of the seen image
}

func exifCases(t *testing.T) []exifCase {
	t.Helper()
	var cases []exifCase
	readJSON(t, "testdata/exif/cases.json", &cases)
	if len(cases) != 8 {
		t.Fatalf("%d cases", len(cases))
	}
	return cases
}

// oriented writes the photograph with the case's EXIF segment.
func (c exifCase) oriented(t testing.TB) string {
	t.Helper()
	body, err := hex.DecodeString(c.Segment)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.jpg", c.Orientation))
	datatest.Write(t, path, withEXIF(datatest.Read(t, "testdata/geometry/97x160.jpg"), body))
	return path
}

// withEXIF puts an EXIF segment at the start of a JPEG file.
func withEXIF(file, body []byte) []byte {
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(body)+8))...)
	out = append(out, "Exif\x00\x00"...)
	return append(append(out, body...), file[2:]...)
}

func TestEXIFOrientationEqualsPillow(t *testing.T) {
	for _, c := range exifCases(t) {
		path := c.oriented(t)
		t.Run(fmt.Sprintf("%d/evaluation", c.Orientation), func(t *testing.T) {
			got, err := LoadImage(path, Preprocess{Resolution: 32, Resize: 36, EXIF: true})
			if err != nil {
				t.Fatal(err)
			}
			closeTo(t, got, fmt.Sprintf("testdata/exif/%d_eval.want", c.Orientation))
		})
		t.Run(fmt.Sprintf("%d/crop", c.Orientation), func(t *testing.T) {
			r := openReader(t)
			r.exif = true
			if err := r.Open(t.Context(), Sample{Path: path}); err != nil {
				t.Fatal(err)
			}
			if r.width != c.Width || r.height != c.Height {
				t.Fatalf("%dx%d, want %dx%d", r.width, r.height, c.Width, c.Height)
			}
			v := view{resize: jpeg.Resize{
				X: jpeg.Axis{Origin: c.Crop[0], Size: c.Crop[2], Scaled: 32, Count: 32},
				Y: jpeg.Axis{Origin: c.Crop[1], Size: c.Crop[3], Scaled: 32, Count: 32},
			}}
			got := make([]byte, 3*32*32)
			if err := r.draw(v, 32, got); err != nil {
				t.Fatal(err)
			}
			closeTo(t, got, fmt.Sprintf("testdata/exif/%d_crop.want", c.Orientation))
		})
	}
}

// closeTo compares with pixels of Pillow. The passes of a turned resize come in the other
// order, and each rounds to bytes: at most 1.
func closeTo(t *testing.T, got []byte, golden string) {
	t.Helper()
	want, _, _ := readGolden(t, golden)
	if mean, worst := difference(t, got, want); worst > 1 || mean > 0.25 {
		t.Errorf("differs from Pillow's by %.3f on average, %d at most", mean, worst)
	}
}

func TestEXIFIsIgnoredUnlessAsked(t *testing.T) {
	for _, c := range exifCases(t) {
		got, err := LoadImage(c.oriented(t), Preprocess{Resolution: 32, Resize: 36})
		if err != nil {
			t.Fatal(err)
		}
		closeTo(t, got, "testdata/exif/1_eval.want")
	}
}

// A turned image gives what the same image, stored upright, gives, in training with its
// crops and flips and in evaluation, whole or cut.
func TestOrientedImageTrainsAsAnUprightOne(t *testing.T) {
	turned := &Dataset{Classes: []string{"a"}}
	straight := &Dataset{Classes: []string{"a"}}
	pixels, w, h := decoded(t, "testdata/geometry/97x160.jpg")
	dir := t.TempDir()
	for range 4 { // each with other crops
		for _, c := range exifCases(t) {
			path := filepath.Join(dir, fmt.Sprintf("%d.png", c.Orientation))
			datatest.WritePNG(t, path, seenPixels(pixels, w, h, c.Orientation))
			straight.Samples = append(straight.Samples, Sample{Path: path})
			turned.Samples = append(turned.Samples, Sample{Path: c.oriented(t)})
		}
	}
	for _, train := range []bool{true, false} {
		for _, fit := range []string{FitCrop, FitPad} {
			o := training(2)
			o.Train, o.Preprocess.Fit, o.BatchSize = train, fit, turned.Len()
			want := firstBatch(t, straight, o)
			o.Preprocess.EXIF = true
			got := firstBatch(t, turned, o)
			if mean, worst := difference(t, got, want); worst > 1 || mean > 0.25 {
				t.Errorf("train %v, fit %s: differs by %.3f on average, %d at most", train, fit, mean, worst)
			}
		}
	}
}

func firstBatch(t *testing.T, d *Dataset, o LoaderOptions) []byte {
	t.Helper()
	it := newLoader(t, d, o).Epoch(t.Context(), 0, 0)
	defer it.Close()
	b, err := it.Next()
	if err != nil || len(b.Skipped) > 0 {
		t.Fatalf("%v, left out %q", err, b.Skipped)
	}
	return append([]byte{}, b.Pixels...)
}

// decoded returns a file's pixels as they are stored.
func decoded(t testing.TB, path string) (pixels []byte, w, h int) {
	t.Helper()
	r := openReader(t)
	if err := r.Open(t.Context(), Sample{Path: path}); err != nil {
		t.Fatal(err)
	}
	pixels = make([]byte, 3*r.width*r.height)
	if err := r.resize(original(r.width, r.height).resize, r.width, r.height, pixels, 3*r.width); err != nil {
		t.Fatal(err)
	}
	return pixels, r.width, r.height
}

// seenPixels turns pixels by the words of the standard: which side of the picture the
// first row and the first column are.
func seenPixels(pixels []byte, w, h, orientation int) *image.NRGBA {
	sides := []string{1: "top left", 2: "top right", 3: "bottom right", 4: "bottom left", 5: "left top", 6: "right top", 7: "right bottom", 8: "left bottom"}
	row, column, _ := strings.Cut(sides[orientation], " ")
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	m := image.NewNRGBA(size)
	place := func(side string, i int, x, y *int) {
		switch side {
		case "top":
			*y = i
		case "bottom":
			*y = size.Dy() - 1 - i
		case "left":
			*x = i
		case "right":
			*x = size.Dx() - 1 - i
		}
	}
	for r := range h {
		for c := range w {
			var x, y int
			place(row, r, &x, &y)
			place(column, c, &x, &y)
			p := pixels[3*(r*w+c):]
			m.SetNRGBA(x, y, color.NRGBA{R: p[0], G: p[1], B: p[2], A: 255})
		}
	}
	return m
}

func TestEXIFOfOtherFormats(t *testing.T) {
	for _, name := range []string{"6.jpg", "6.png", "6.webp"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata/exif", name)
			want, w, h := readGolden(t, path+".want")
			got, err := LoadImage(path, Preprocess{Resolution: 64, Fit: FitPad, EXIF: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, worst := difference(t, inMiddle(got, 64, w, h), want); worst != 0 {
				t.Errorf("differs by up to %d", worst)
			}
		})
	}
}

// inMiddle cuts w x h pixels out of the middle of a square, where FitPad puts a small image.
func inMiddle(square []byte, side, w, h int) []byte {
	var out []byte
	left, top := (side-w)/2, (side-h)/2
	for y := range h {
		out = append(out, square[3*((top+y)*side+left):][:3*w]...)
	}
	return out
}

func TestCorruptEXIFMeansUpright(t *testing.T) {
	good := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00")
	if o := tiffOrientation(good); o != 6 {
		t.Fatalf("the good one says %d", o)
	}
	change := func(at int, b ...byte) []byte {
		bad := append([]byte{}, good...)
		copy(bad[at:], b)
		return bad
	}
	for name, body := range map[string][]byte{
		"nothing": nil, "no header": []byte("garbage garbage"), "another order": change(0, 'M', 'M'), "a directory beyond the end": change(4, 0xff, 0xff, 0xff, 0x7f),
		"a negative directory": change(4, 0xff, 0xff, 0xff, 0xff), "orientation 0": change(18, 0), "orientation 9": change(18, 9), "two values": change(14, 2),
		"a text": change(12, 2), "another tag": change(10, 0x13), "no entries": change(8, 0), "an entry that ends early": good[:20], "only a header": good[:8],
	} {
		if o := tiffOrientation(body); o != upright {
			t.Errorf("%s: orientation %d", name, o)
		}
		file := withEXIF(datatest.Read(t, "testdata/geometry/40x40.jpg"), body)
		if o := exifOrientation(FormatJPEG, file); o != upright {
			t.Errorf("%s, in a JPEG: orientation %d", name, o)
		}
	}
}

// FuzzEXIF feeds damaged files of every format that has EXIF data.
func FuzzEXIF(f *testing.F) {
	for _, path := range []string{"testdata/exif/6.jpg", "testdata/exif/6.png", "testdata/exif/6.webp", "testdata/troubles/turned.tif", "testdata/troubles/corrupt_exif.jpg"} {
		f.Add(datatest.Read(f, path))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, _ := formatOf(data)
		o := exifOrientation(kind, data)
		if o < 1 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
		rng := rand.New(rand.NewPCG(uint64(len(data)), uint64(o)))
		w, h := 1+rng.IntN(9), 1+rng.IntN(9)
		r := jpeg.Resize{X: randomAxis(rng, w), Y: randomAxis(rng, h)}
		sw, sh := o.displayed(w, h)
		if s := o.stored(r, sw, sh); s.X.Origin < 0 || s.Y.Origin < 0 || s.X.Origin+s.X.Size > sw || s.Y.Origin+s.Y.Size > sh || s.X.First < 0 || s.Y.First < 0 {
			t.Errorf("orientation %d of %dx%d: %+v becomes %+v", o, w, h, r, s)
		}
	})
}

// randomAxis returns a part of n pixels and a window of what it is resized to.
func randomAxis(rng *rand.Rand, n int) jpeg.Axis {
	origin, scaled := rng.IntN(n), 1+rng.IntN(2*n)
	first := rng.IntN(scaled)
	return jpeg.Axis{Origin: origin, Size: 1 + rng.IntN(n-origin), Scaled: scaled, First: first, Count: 1 + rng.IntN(scaled-first)}
}
