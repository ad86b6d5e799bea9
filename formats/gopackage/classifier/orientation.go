package classifier

import (
	"image"
	"image/color"
	"strings"
)

// orient returns an image as an EXIF orientation displays it.
func orient(img image.Image, orientation int) image.Image {
	if orientation <= 1 || orientation > 8 {
		return img
	}
	return oriented{img, orientation}
}

// oriented is an image whose stored pixels are rotated or mirrored for display.
type oriented struct {
	image.Image
	orientation int
}

// Bounds begins at 0.
func (o oriented) Bounds() image.Rectangle {
	s := o.Image.Bounds().Size()
	if o.transposed() {
		s.X, s.Y = s.Y, s.X
	}
	return image.Rectangle{Max: s}
}

// At returns a displayed pixel.
func (o oriented) At(x, y int) color.Color {
	b := o.Image.Bounds()
	x, y = o.position(x, y, b.Dx(), b.Dy())
	return o.Image.At(b.Min.X+x, b.Min.Y+y)
}

// position maps a displayed pixel to the stored one in an image of a stored size.
func (o oriented) position(x, y, width, height int) (int, int) {
	if o.transposed() {
		x, y = y, x
	}
	if o.columns() {
		x = width - 1 - x
	}
	if o.rows() {
		y = height - 1 - y
	}
	return x, y
}

// EXIF 2.32's table of orientations: from 5 on the axes are exchanged, then columns or rows count from their end.
func (o oriented) transposed() bool { return o.orientation >= 5 }
func (o oriented) columns() bool    { return strings.ContainsRune("2378", rune('0'+o.orientation)) }
func (o oriented) rows() bool       { return strings.ContainsRune("3467", rune('0'+o.orientation)) }

// stored returns the axes of the stored image from which [oriented.reorder] makes those of the displayed one.
func (o oriented) stored(x, y axis) (axis, axis) {
	if o.transposed() {
		x, y = y, x
	}
	if o.columns() {
		x.first = x.scaled - x.first - x.count
	}
	if o.rows() {
		y.first = y.scaled - y.first - y.count
	}
	return x, y
}

// reorder writes stored pixels to dst, width x height displayed pixels.
func (o oriented) reorder(src, dst []uint8, width, height int) {
	columns, rows := width, height
	if o.transposed() {
		columns, rows = height, width
	}
	for y := range height {
		for x := range width {
			sx, sy := o.position(x, y, columns, rows)
			copy(dst[3*(y*width+x):][:3], src[3*(sy*columns+sx):])
		}
	}
}
