package data

import (
	"bytes"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	stdjpeg "image/jpeg"
	"image/png"
	"io"
	"runtime"
	"testing"

	"golang.org/x/image/bmp"
)

// TestDecoderMemory: the memory of a decode is within the bound that Decoder documents, 12 bytes for each pixel.
func TestDecoderMemory(t *testing.T) {
	const side = 500
	const fixed = 200_000 // bytes of tables and buffers, whatever the size of the image
	// With the race detector slices.Grow also allocates what it appends, 3 bytes for each pixel.
	const bound = 12 + 3
	square := image.Rect(0, 0, side, side)
	var files []struct {
		name string
		file []byte
	}
	add := func(name string, encode func(io.Writer, image.Image) error, im image.Image) {
		var b bytes.Buffer
		if err := encode(&b, im); err != nil {
			t.Fatal(err)
		}
		files = append(files, struct {
			name string
			file []byte
		}{name, b.Bytes()})
	}
	colored := image.NewNRGBA64(square)
	colored.SetNRGBA64(1, 1, color.NRGBA64{R: 1, A: 1})
	writeGIF := func(w io.Writer, im image.Image) error { return gif.Encode(w, im, nil) }
	writeJPEG := func(w io.Writer, im image.Image) error { return stdjpeg.Encode(w, im, nil) }
	add("PNG, 16 bits with alpha", png.Encode, colored)
	add("PNG, 16 bits", png.Encode, image.NewGray16(square))
	add("PNG, 8 bits with alpha", png.Encode, image.NewNRGBA(square))
	add("PNG, palette", png.Encode, image.NewPaletted(square, palette.WebSafe))
	add("GIF", writeGIF, image.NewPaletted(square, palette.WebSafe))
	add("BMP", bmp.Encode, image.NewNRGBA(square))
	add("JPEG", writeJPEG, image.NewRGBA(square))
	for _, f := range files {
		t.Run(f.name, func(t *testing.T) {
			d := newDecoder(t, DecoderOptions{})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := d.Decode(t.Context(), f.file); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if n := (float64(after.TotalAlloc-before.TotalAlloc) - fixed) / (side * side); n > bound {
				t.Errorf("%.1f bytes for each pixel", n)
			} else {
				t.Logf("%.1f bytes for each pixel", n)
			}
		})
	}
}
