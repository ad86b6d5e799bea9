package jpeg

import (
	"image"
	"testing"
)

// FuzzDecode feeds damaged files: each is refused, or its crop decodes the same twice
// and equals the same part of the full decode when no damage was bridged.
func FuzzDecode(f *testing.F) {
	for _, path := range samples(f) {
		f.Add(read(f, path), uint16(7), uint16(5), uint16(30), uint16(20), uint8(16))
	}
	d := newDecoder(f)
	f.Fuzz(func(t *testing.T, data []byte, x, y, w, h uint16, out uint8) {
		width, height, err := d.Size(data)
		if err != nil || width*height > 1<<20 {
			return
		}
		crop := image.Rect(int(x)%width, int(y)%height, int(x)%width+1+int(w)%width, int(y)%height+1+int(h)%height)
		crop = crop.Intersect(image.Rect(0, 0, width, height))
		once, twice := make([]byte, 3*crop.Dx()*crop.Dy()), make([]byte, 3*crop.Dx()*crop.Dy())
		first, second := d.Decode(data, crop, once), d.Decode(data, crop, twice)
		if (first == nil) != (second == nil) || largestDifference(once, twice) != 0 && first == nil {
			t.Errorf("crop %v of %dx%d: two decodes differ: %v, %v", crop, width, height, first, second)
		}
		n := 1 + int(out)%64
		r := Resize{X: Axis{Origin: crop.Min.X, Size: crop.Dx(), Scaled: n, Count: n}, Y: Axis{Origin: crop.Min.Y, Size: crop.Dy(), Scaled: n, Count: n}}
		third := d.DecodeResized(data, r, make([]byte, 3*n*n), 3*n)
		if (first == nil) != (third == nil) {
			t.Errorf("crop %v of %dx%d: Decode says %v, DecodeResized %v", crop, width, height, first, third)
		}
	})
}
