package classifier

import (
	"image"
	"image/color"
)

// rowReader returns a function that writes row y of an image, counted from 0, as RGB pixels of 3 bytes. As in Pillow's
// convert("RGB"), alpha is dropped without blending, and 16-bit samples lose their low byte.
func rowReader(img image.Image) func(y int, dst []uint8) {
	b := img.Bounds()
	switch m := img.(type) {
	case *image.YCbCr:
		return yCbCrRow(m)
	case *image.Gray:
		return func(y int, dst []uint8) {
			for x, v := range m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:b.Dx()] {
				dst[3*x], dst[3*x+1], dst[3*x+2] = v, v, v
			}
		}
	case *image.Paletted:
		return palettedRow(m)
	case *image.NRGBA:
		return func(y int, dst []uint8) { everyFour(m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):], dst) }
	case *image.RGBA:
		if m.Opaque() {
			return func(y int, dst []uint8) { everyFour(m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):], dst) }
		}
	}
	return func(y int, dst []uint8) {
		for x := range b.Dx() {
			c := opaque(img.At(b.Min.X+x, b.Min.Y+y))
			dst[3*x], dst[3*x+1], dst[3*x+2] = c[0], c[1], c[2]
		}
	}
}

// everyFour drops the alpha of pixels of 4 bytes.
func everyFour(src, dst []uint8) {
	for ; len(dst) >= 3; src, dst = src[4:], dst[3:] {
		dst[0], dst[1], dst[2] = src[0], src[1], src[2]
	}
}

func palettedRow(m *image.Paletted) func(y int, dst []uint8) {
	var colors [256][3]uint8 // an index outside the palette is black
	for i, c := range m.Palette[:min(256, len(m.Palette))] {
		colors[i] = opaque(c)
	}
	b := m.Bounds()
	return func(y int, dst []uint8) {
		for x, v := range m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:b.Dx()] {
			copy(dst[3*x:3*x+3], colors[v][:])
		}
	}
}

// opaque is a color without its alpha.
func opaque(c color.Color) [3]uint8 {
	switch c := c.(type) {
	case color.NRGBA: // also if alpha is zero
		return [3]uint8{c.R, c.G, c.B}
	case color.NRGBA64:
		return [3]uint8{uint8(c.R >> 8), uint8(c.G >> 8), uint8(c.B >> 8)}
	}
	n := color.NRGBA64Model.Convert(c).(color.NRGBA64)
	return [3]uint8{uint8(n.R >> 8), uint8(n.G >> 8), uint8(n.B >> 8)}
}
