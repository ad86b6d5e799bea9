package data

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/data/internal/datatest"
)

// variantTolerances are the largest differences to Pillow's pixels, where they may differ.
var variantTolerances = map[string]int{
	"lab.tif":       3, // Little CMS interpolates in a table
	"jpeg_cmyk.tif": 1, // another inverse DCT than libjpeg's
	"jpeg_rgba.tif": 1, // likewise
}

// TestVariantsEqualPillow: variants of TIFF, BMP, PNM, PNG and GIF give the pixels that Pillow sees.
func TestVariantsEqualPillow(t *testing.T) {
	r := openReader(t)
	wants, err := filepath.Glob("testdata/variants/*.want")
	if err != nil || len(wants) < 80 {
		t.Fatalf("%d goldens (%v)", len(wants), err)
	}
	for _, want := range wants {
		path := strings.TrimSuffix(want, ".want")
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			pixels, w, h := readGolden(t, want)
			if err := r.Open(t.Context(), Sample{Path: path}); err != nil {
				t.Fatal(err)
			}
			if r.width != w || r.height != h {
				t.Fatalf("%dx%d, want %dx%d", r.width, r.height, w, h)
			}
			got := make([]byte, 3*w*h)
			if err := r.Resized(w, h, got); err != nil {
				t.Fatal(err)
			}
			if mean, worst := difference(t, got, pixels); worst > variantTolerances[name] {
				t.Errorf("differs by %.3f on average, %d at most", mean, worst)
			}
			if err := r.Check(t.Context(), Sample{Path: path}); err != nil {
				t.Errorf("the check before training refuses it: %v", err)
			}
		})
	}
}

// TestVariantsTruncated: a file without its end is an error, or its pixels are those of the whole file. The
// lengths are every 13th and the last 20.
func TestVariantsTruncated(t *testing.T) {
	wants, err := filepath.Glob("testdata/variants/*.want")
	if err != nil || len(wants) < 80 {
		t.Fatalf("%d goldens (%v)", len(wants), err)
	}
	for _, want := range wants {
		path := strings.TrimSuffix(want, ".want")
		t.Run(filepath.Base(path), func(t *testing.T) {
			whole := datatest.Read(t, path)
			if bytes.HasPrefix(whole, []byte("P2")) || bytes.HasPrefix(whole, []byte("P3")) {
				t.Skip("the last number may lack digits")
			}
			pixels, w, h, err := decodeAny(whole)
			if err != nil {
				t.Fatal(err)
			}
			if len(whole) > 5000 {
				t.Skip("a large file")
			}
			for n := range whole {
				if n%13 != 0 && n < len(whole)-20 {
					continue
				}
				got, gw, gh, err := decodeAny(whole[:n])
				if err == nil && (gw != w || gh != h || !bytes.Equal(got, pixels)) {
					t.Errorf("%d of %d bytes: %dx%d pixels, not those of the whole file", n, len(whole), gw, gh)
				}
			}
		})
	}
}

// decodeAny decodes a file of any format except JPEG.
func decodeAny(file []byte) (rgb []byte, w, h int, err error) {
	f, reason := formatOf(file)
	if reason != "" {
		return nil, 0, 0, errors.New(reason)
	}
	return decodeRGB(context.Background(), f, file, nil)
}

// TestJPEGLargerThanItsStrip: the size of JPEG data is compared with that of the strip before its pixels are
// allocated.
func TestJPEGLargerThanItsStrip(t *testing.T) {
	for _, name := range []string{"jpeg.tif", "jpeg_cmyk.tif"} {
		file := bytes.Clone(datatest.Read(t, "testdata/variants/"+name))
		width := bytes.Index(file, []byte("\x00\x01\x03\x00\x01\x00\x00\x00\x1d\x00")) // tag 256, one SHORT, 29
		if width < 0 {
			t.Fatalf("%s: no width", name)
		}
		file[width+8] = 8
		_, _, _, err := decodeAny(file)
		if err == nil || !strings.Contains(err.Error(), "a strip or tile of 29x22 pixels, want 8x22") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
