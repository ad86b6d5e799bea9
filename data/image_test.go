package data

import (
	"bytes"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/data/jpeg"
)

// openReader returns a reader that ends with the test.
func openReader(t testing.TB) *ImageReader {
	t.Helper()
	r, err := NewImageReader()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// readGolden reads pixels that Pillow or torchvision made, kept as PNG.
func readGolden(t testing.TB, path string) (pixels []byte, w, h int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	im, err := png.Decode(bytes.NewReader(data))
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

// difference returns the mean and the largest absolute difference.
func difference(t testing.TB, a, b []byte) (mean float64, worst int) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%d bytes and %d", len(a), len(b))
	}
	for i := range a {
		d := max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
		mean += float64(d) / float64(len(a))
		worst = max(worst, d)
	}
	return mean, worst
}

// original returns the view that changes nothing.
func original(w, h int) view {
	return view{resize: jpeg.Resize{X: jpeg.Axis{Size: w, Scaled: w, Count: w}, Y: jpeg.Axis{Size: h, Scaled: h, Count: h}}}
}

func TestEveryFormatEqualsPillow(t *testing.T) {
	r := openReader(t)
	wants, err := filepath.Glob("testdata/formats/*.want")
	if err != nil || len(wants) < 30 {
		t.Fatalf("%d goldens (%v)", len(wants), err)
	}
	for _, want := range wants {
		path := strings.TrimSuffix(want, ".want")
		t.Run(filepath.Base(path), func(t *testing.T) {
			pixels, w, h := readGolden(t, want)
			if err := r.Open(t.Context(), Sample{Path: path}); err != nil {
				t.Fatal(err)
			}
			if r.width != w || r.height != h {
				t.Fatalf("%dx%d, want %dx%d", r.width, r.height, w, h)
			}
			side := max(w, h)
			square := make([]byte, 3*side*side)
			if err := r.draw(original(w, h), side, square); err != nil {
				t.Fatal(err)
			}
			var got []byte
			for y := range h {
				got = append(got, square[3*y*side:3*(y*side+w)]...)
			}
			mean, worst := difference(t, got, pixels)
			if strings.HasSuffix(path, ".webp") { // libwebp adds its own rounding to the same formulas
				if mean > 0.5 || worst > 4 {
					t.Errorf("differs by %.3f on average, %d at most", mean, worst)
				}
			} else if worst != 0 {
				t.Errorf("differs by %.3f on average, %d at most", mean, worst)
			}
		})
	}
}

func TestUnreadableFilesAreNamed(t *testing.T) {
	gif, err := os.ReadFile("testdata/formats/still.gif")
	if err != nil {
		t.Fatal(err)
	}
	png, err := os.ReadFile("testdata/formats/rgb.png")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"empty.jpg", "empty", nil},
		{"text.jpg", "not an image", []byte("<html>not found</html>")},
		{"photo.heic", "not supported", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00")},
		{"half.png", "", png[:len(png)/2]},
		{"half.gif", "", gif[:len(gif)/2]},
		{"bomb.ppm", "pixels", []byte("P6 60000 60000 255\n")},
		{"short.ppm", "truncated", []byte("P6 600 600 255\nabc")},
		{"none.pgm", "0x5", []byte("P5 0 5 255\n")},
		{"bomb.gif", "pixels", append([]byte("GIF89a\xff\xff\xff\xff"), gif[10:]...)},
		{"bomb.bmp", "pixels", []byte("BM\x00\x00\x00\x00\x00\x00\x00\x006\x00\x00\x00(\x00\x00\x00\xff\xff\x00\x00\xff\xff\x00\x00\x01\x00\x18\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 20))},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, c.name)
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := LoadImage(path, Preprocess{Resolution: 32})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want the path and %q", err, c.want)
			}
			_, inMemory := DecodeImage(c.data, Preprocess{Resolution: 32})
			if inMemory == nil || strings.ReplaceAll(err.Error(), path, "image") != inMemory.Error() {
				t.Errorf("of its content: error %v, want that of the file, %v", inMemory, err)
			}
		})
	}
}

// TestDecodeImage: the content of a file gives the pixels of the file.
func TestDecodeImage(t *testing.T) {
	for _, path := range []string{"testdata/formats/still.gif", "testdata/formats/rgb.png", "testdata/geometry/40x40.jpg"} {
		for _, fit := range []string{FitCrop, FitPad, FitLetterbox} {
			p := Preprocess{Resolution: 32, Fit: fit, EXIF: true}
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want, err := LoadImage(path, p)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := DecodeImage(file, p); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, %s: error %v, or other pixels than the file's", path, fit, err)
			}
		}
	}
}

func TestDecoderPanicIsAnError(t *testing.T) {
	fail := func() (err error) {
		defer recoverAs(&err)
		panic(errors.New("index out of range"))
	}
	if err := fail(); err == nil || !strings.Contains(err.Error(), "index out of range") {
		t.Errorf("error %v", err)
	}
}
