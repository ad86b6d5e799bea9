//go:build cgo

package jpeg

import (
	"bytes"
	"image"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
)

// newDecoder returns a decoder that ends with the test.
func newDecoder(t testing.TB) *Decoder {
	t.Helper()
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// full decodes the whole image.
func full(t testing.TB, d *Decoder, data []byte) (pixels []byte, width, height int) {
	t.Helper()
	w, h, err := d.Size(data)
	if err != nil {
		t.Fatal(err)
	}
	pixels = make([]byte, 3*w*h)
	if err := d.Decode(data, image.Rect(0, 0, w, h), pixels); err != nil {
		t.Fatal(err)
	}
	return pixels, w, h
}

func TestDecodeEqualsPillow(t *testing.T) {
	d := newDecoder(t)
	for _, path := range samples(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			got, w, h := full(t, d, read(t, path))
			want, ww, wh := readRGB(t, strings.TrimSuffix(path, ".jpg")+".png")
			if w != ww || h != wh {
				t.Fatalf("size %dx%d, want %dx%d", w, h, ww, wh)
			}
			if worst := largestDifference(got, want); worst != 0 {
				t.Errorf("differs from Pillow by up to %d", worst)
			}
		})
	}
}

func TestDecodeOfACropEqualsTheFullDecode(t *testing.T) {
	d := newDecoder(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, path := range samples(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data := read(t, path)
			whole, w, h := full(t, d, data)
			for range 150 {
				crop := randomCrop(rng, w, h)
				got := make([]byte, 3*crop.Dx()*crop.Dy())
				if err := d.Decode(data, crop, got); err != nil {
					t.Fatalf("crop %v: %v", crop, err)
				}
				if worst := largestDifference(got, cut(whole, w, crop)); worst != 0 {
					t.Fatalf("crop %v of %dx%d differs by up to %d", crop, w, h, worst)
				}
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := read(t, "testdata/420.jpg")
	huge := bytes.Clone(good)
	frame := bytes.Index(huge, []byte{0xff, 0xc0})
	copy(huge[frame+5:], []byte{0xff, 0xff, 0xff, 0xff}) // height and width
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"nothing", "empty", nil},
		{"text", "JPEG", []byte("this is not an image")},
		{"truncated by half", "truncated", good[:len(good)/2]},
		{"without its last byte", "truncated", good[:len(good)-1]},
		{"without its end marker", "truncated", good[:len(good)-2]},
		{"only a start marker", "truncated", good[:2]},
		{"header bomb", "pixels", huge},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDecoder(t)
			err := d.Decode(c.data, image.Rect(0, 0, 8, 8), make([]byte, 3*8*8))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one about %q", err, c.want)
			}
			full(t, d, good) // the decoder still works
		})
	}
}

func TestTablesAreNotSharedBetweenImages(t *testing.T) {
	d := newDecoder(t)
	good := read(t, "testdata/progressive.jpg")
	without := bytes.ReplaceAll(good, []byte{0xff, 0xc4}, []byte{0xff, 0xfe}) // its Huffman tables become comments
	for range 3 {
		if err := d.Decode(without, image.Rect(0, 0, 8, 8), make([]byte, 3*8*8)); err == nil {
			t.Error("a file without Huffman tables was decoded with another file's")
		}
		full(t, d, good)
	}
}

func TestDecodeRefusesARegionOutsideTheImage(t *testing.T) {
	d := newDecoder(t)
	data := read(t, "testdata/420.jpg") // 61x47
	for _, crop := range []image.Rectangle{
		image.Rect(-1, 0, 5, 5), image.Rect(0, -1, 5, 5), image.Rect(57, 0, 62, 5), image.Rect(0, 43, 5, 48),
		image.Rect(1<<40, 0, 1<<40+5, 5), {}, image.Rect(60, 46, 60, 46),
	} {
		if err := d.Decode(data, crop, make([]byte, 3*crop.Dx()*crop.Dy())); err == nil {
			t.Errorf("crop %v was accepted", crop)
		}
	}
	if err := d.Decode(data, image.Rect(0, 0, 5, 5), make([]byte, 3*5*5-1)); err == nil {
		t.Error("a short destination was accepted")
	}
}

func TestAClosedDecoderReturnsErrClosed(t *testing.T) {
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	d.Close()
	if _, _, err := d.Size([]byte{0xff}); err != ErrClosed {
		t.Errorf("Size: %v", err)
	}
	if _, err := d.ReadFile("testdata/420.jpg", 1<<20); err != ErrClosed {
		t.Errorf("ReadFile: %v", err)
	}
}

// randomCrop returns a rectangle inside w x h, often at an edge.
func randomCrop(rng *rand.Rand, w, h int) image.Rectangle {
	x0, x1 := rng.IntN(w), rng.IntN(w)
	y0, y1 := rng.IntN(h), rng.IntN(h)
	return image.Rect(min(x0, x1), min(y0, y1), max(x0, x1)+1, max(y0, y1)+1)
}

func cut(pixels []byte, width int, crop image.Rectangle) []byte {
	var out []byte
	for y := crop.Min.Y; y < crop.Max.Y; y++ {
		out = append(out, pixels[3*(y*width+crop.Min.X):3*(y*width+crop.Max.X)]...)
	}
	return out
}

// largestDifference returns 256 when the lengths differ.
func largestDifference(a, b []byte) int {
	if len(a) != len(b) {
		return 256
	}
	worst := 0
	for i := range a {
		worst = max(worst, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return worst
}
