package data

import (
	"image"
	"image/color"
	"slices"
)

// appendRGB appends the pixels of im to dst[:0] as Pillow's convert("RGB") returns them: alpha is dropped
// (without blending), gray is copied to three channels, 16-bit samples lose their low byte. (Pillow
// returns nearly white pixels for 16-bit gray images instead.)
func appendRGB(dst []byte, im image.Image) []byte {
	b := im.Bounds()
	dst = growPixels(dst, b)
	switch im := im.(type) {
	case *image.Gray:
		for y := range b.Dy() {
			for _, v := range im.Pix[y*im.Stride : y*im.Stride+b.Dx()] {
				dst = append(dst, v, v, v)
			}
		}
	case *image.RGBA: // decoders use it for opaque images only
		dst = appendEveryFour(dst, im.Pix, im.Stride, b)
	case *image.NRGBA:
		dst = appendEveryFour(dst, im.Pix, im.Stride, b)
	case *image.Paletted:
		dst = appendPalette(dst, im)
	case *image.YCbCr: // only WebP comes here
		dst = appendWebP(dst, im)
	case *image.NYCbCrA:
		dst = appendWebP(dst, &im.YCbCr)
	case *image.Gray16:
		dst = appendHighBytes(dst, im.Pix, im.Stride, b, 1)
	case *image.NRGBA64:
		dst = appendHighBytes(dst, im.Pix, im.Stride, b, 4)
	case *image.RGBA64:
		if im.Opaque() {
			return appendHighBytes(dst, im.Pix, im.Stride, b, 4)
		}
		dst = appendAny(dst, im)
	default:
		dst = appendAny(dst, im)
	}
	return dst
}

// growPixels returns dst[:0] with capacity for the pixels of b.
func growPixels(dst []byte, b image.Rectangle) []byte {
	return slices.Grow(dst[:0], 3*b.Dx()*b.Dy())
}

func appendEveryFour(dst, pix []byte, stride int, b image.Rectangle) []byte {
	for y := range b.Dy() {
		row := pix[y*stride : y*stride+4*b.Dx()]
		for ; len(row) >= 4; row = row[4:] {
			dst = append(dst, row[0], row[1], row[2])
		}
	}
	return dst
}

func appendPalette(dst []byte, im *image.Paletted) []byte {
	var colors [256][3]byte // an index outside the palette is black
	for i, c := range im.Palette[:min(256, len(im.Palette))] {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		if given, ok := c.(color.NRGBA); ok {
			n = given // also if alpha is zero
		}
		colors[i] = [3]byte{n.R, n.G, n.B}
	}
	b := im.Bounds()
	for y := range b.Dy() {
		for _, v := range im.Pix[y*im.Stride : y*im.Stride+b.Dx()] {
			dst = append(dst, colors[v][:]...)
		}
	}
	return dst
}

// appendHighBytes appends big-endian 16-bit samples of 1 or 4 channels. (At would allocate for each pixel,
// in total twice the image.)
func appendHighBytes(dst, pix []byte, stride int, b image.Rectangle, channels int) []byte {
	for y := range b.Dy() {
		row := pix[y*stride : y*stride+2*channels*b.Dx()]
		for ; len(row) >= 2*channels; row = row[2*channels:] {
			if channels == 1 {
				dst = append(dst, row[0], row[0], row[0])
			} else {
				dst = append(dst, row[0], row[2], row[4])
			}
		}
	}
	return dst
}

// appendAny handles all other image types.
func appendAny(dst []byte, im image.Image) []byte {
	b := im.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBA64Model.Convert(im.At(x, y)).(color.NRGBA64)
			if given, ok := im.At(x, y).(color.NRGBA64); ok {
				c = given
			}
			dst = append(dst, byte(c.R>>8), byte(c.G>>8), byte(c.B>>8))
		}
	}
	return dst
}
