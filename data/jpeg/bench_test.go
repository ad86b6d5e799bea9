//go:build cgo

package jpeg

import (
	"image"
	"testing"
)

// The parts of reading one image, to see where time goes.
func BenchmarkParts(b *testing.B) {
	d := newDecoder(b)
	data := read(b, "../testdata/geometry/150x113.jpg")
	crop := image.Rect(20, 10, 130, 100)
	pixels := make([]byte, 3*crop.Dx()*crop.Dy())
	out := make([]byte, 3*224*224)
	r := Resize{
		X: Axis{Origin: crop.Min.X, Size: crop.Dx(), Scaled: 224, Count: 224},
		Y: Axis{Origin: crop.Min.Y, Size: crop.Dy(), Scaled: 224, Count: 224},
	}
	whole, w, h := full(b, d, data)
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"header", func() error { _, _, err := d.Size(data); return err }},
		{"decode", func() error { return d.Decode(data, crop, pixels) }},
		{"resize", func() error { return d.ResizeRGB(whole, w, h, r, out, 3*224) }},
		{"decode and resize", func() error { return d.DecodeResized(data, r, out, 3*224) }},
	} {
		b.Run(part.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := part.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
