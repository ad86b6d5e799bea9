package data

import "depthwise.dev/data/jpeg"

// orientation says how stored pixels are rotated and mirrored for display; the values are EXIF's, 1
// to 8.
type orientation uint8

const upright orientation = 1

// transform maps a displayed pixel to its stored one: if transposed, the axes are exchanged; then the
// stored columns or rows are counted from their end.
type transform struct{ transposed, columns, rows bool }

// transforms is EXIF 2.32's table of orientations; Pillow's ImageOps.exif_transpose agrees.
var transforms = [9]transform{
	2: {columns: true},
	3: {columns: true, rows: true},
	4: {rows: true},
	5: {transposed: true},
	6: {transposed: true, rows: true},
	7: {transposed: true, columns: true, rows: true},
	8: {transposed: true, columns: true},
}

// displayed returns the displayed size of a stored image. It is its own inverse.
func (o orientation) displayed(w, h int) (int, int) {
	if transforms[o].transposed {
		return h, w
	}
	return w, h
}

// stored returns the resize of the stored w x h image that computes the pixels of r, a resize of the
// displayed image, in stored order. The method apply reorders them.
func (o orientation) stored(r jpeg.Resize, w, h int) jpeg.Resize {
	t := transforms[o]
	s := jpeg.Resize{X: r.X, Y: r.Y, Filter: r.Filter}
	if t.transposed {
		s.X, s.Y = r.Y, r.X
	}
	if t.columns {
		s.X = mirrored(s.X, w)
	}
	if t.rows {
		s.Y = mirrored(s.Y, h)
	}
	return s
}

// mirrored counts an axis of n pixels from its end.
func mirrored(a jpeg.Axis, n int) jpeg.Axis {
	a.Origin = n - a.Origin - a.Size
	a.First = a.Scaled - a.First - a.Count
	return a
}

// apply writes the pixels of stored(r), one row after another, to dst in the order of r.
func (o orientation) apply(src []byte, r jpeg.Resize, dst []byte, stride int) {
	t := transforms[o]
	w, h := r.X.Count, r.Y.Count
	columns, rows := w, h // of src
	if t.transposed {
		columns, rows = h, w
	}
	for y := range h {
		for x := range w {
			sx, sy := x, y
			if r.Flip {
				sx = w - 1 - x
			}
			if t.transposed {
				sx, sy = sy, sx
			}
			if t.columns {
				sx = columns - 1 - sx
			}
			if t.rows {
				sy = rows - 1 - sy
			}
			copy(dst[y*stride+3*x:][:3], src[3*(sy*columns+sx):])
		}
	}
}
