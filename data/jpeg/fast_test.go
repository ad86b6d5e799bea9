//go:build cgo

package jpeg

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"testing"
)

// largePicture is a JPEG file of 1300x1040 with detail of many sizes, whose edges show
// where a crop begins.
func largePicture(t testing.TB) []byte {
	t.Helper()
	im := image.NewRGBA(image.Rect(0, 0, 1300, 1040))
	for y := range 1040 {
		for x := range 1300 {
			wave := math.Sin(float64(x)/11) * math.Cos(float64(y)/17)
			im.SetRGBA(x, y, color.RGBA{byte(128 + 100*wave), byte(x * 255 / 1300), byte(y/40%2*90 + x/50%2*90), 255})
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, im, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func decodeResized(t *testing.T, d *Decoder, data []byte, r Resize) []byte {
	t.Helper()
	dst := make([]byte, 3*r.X.Count*r.Y.Count)
	if err := d.DecodeResized(data, r, dst, 3*r.X.Count); err != nil {
		t.Fatal(err)
	}
	return dst
}

func square(x, y, w, h, side int) Resize {
	return Resize{X: Axis{Origin: x, Size: w, Scaled: side, Count: side}, Y: Axis{Origin: y, Size: h, Scaled: side, Count: side}}
}

func TestFastIsCloseToExact(t *testing.T) {
	data := largePicture(t)
	first := map[string][]byte{} // of the first isa
	withISAVariants(t, func(t *testing.T, d *Decoder) {
		for _, c := range []struct {
			name   string
			resize Resize
		}{
			{"whole", square(0, 0, 1300, 1040, 224)},
			{"odd corner", square(17, 31, 451, 449, 224)},
			{"far corner", square(1300-463, 1040-449, 463, 449, 224)},
			{"flipped", func() Resize { r := square(101, 0, 999, 1001, 96); r.Flip = true; return r }()},
			{"a window", Resize{X: Axis{Size: 1300, Scaled: 320, First: 48, Count: 224}, Y: Axis{Size: 1040, Scaled: 256, First: 16, Count: 224}}},
		} {
			exact := decodeResized(t, d, data, c.resize)
			c.resize.Fast = true
			fast := decodeResized(t, d, data, c.resize)
			sum := 0
			for i := range exact {
				sum += max(int(exact[i])-int(fast[i]), int(fast[i])-int(exact[i]))
			}
			mean := float64(sum) / float64(len(exact)) // measured: up to 1.4; of a crop that is off by a pixel 2.2 and more
			if mean == 0 || mean > 1.5 {
				t.Errorf("%s: differs by %.2f on average, %d at most", c.name, mean, largestDifference(exact, fast))
			}
			if first[c.name] == nil {
				first[c.name] = fast
			} else if !bytes.Equal(first[c.name], fast) {
				t.Errorf("%s: the isaVariants differ by up to %d", c.name, largestDifference(first[c.name], fast))
			}
		}
	})
}

// Small images, slight reductions and files that are not for our own decoder stay exact.
func TestFastIsExactWhereItDoesNotApply(t *testing.T) {
	large := largePicture(t)
	libjpeg := newLibjpeg(t)
	t.Setenv(Environment, "")
	d := newDecoder(t)
	small := read(t, "../testdata/geometry/150x113.jpg")
	for _, c := range []struct {
		name    string
		decoder *Decoder
		data    []byte
		resize  Resize
	}{
		{"small image", d, small, square(0, 0, 150, 113, 32)},
		{"slight reduction", d, large, square(100, 100, 447, 600, 224)},
		{"libjpeg alone", libjpeg, large, square(0, 0, 1300, 1040, 224)},
		{"progressive", d, read(t, "testdata/progressive.jpg"), square(0, 0, 61, 47, 8)},
	} {
		exact := decodeResized(t, d, c.data, c.resize)
		c.resize.Fast = true
		if worst := largestDifference(decodeResized(t, c.decoder, c.data, c.resize), exact); worst != 0 {
			t.Errorf("%s differs by up to %d", c.name, worst)
		}
	}
}
