package oracle

import "math"

// pooling is the geometry of pooling planes of height by width to planes of rows by columns.
type pooling struct {
	planes, height, width, rows, columns int
	kernel, stride, padding              int
}

// each calls f for every output with the index of the first maximum of its window in the input.
func (w pooling) each(x []float64, f func(out, in int)) {
	for plane := range w.planes {
		for row := range w.rows {
			for column := range w.columns {
				f((plane*w.rows+row)*w.columns+column, w.argmax(x, plane, row*w.stride-w.padding, column*w.stride-w.padding))
			}
		}
	}
}

// argmax is the index of the first maximum of the window that starts at row top and column left. It
// ignores positions outside the plane.
func (w pooling) argmax(x []float64, plane, top, left int) int {
	best, at := math.Inf(-1), -1
	for row := max(top, 0); row < min(top+w.kernel, w.height); row++ {
		for column := max(left, 0); column < min(left+w.kernel, w.width); column++ {
			if i := (plane*w.height+row)*w.width + column; x[i] > best {
				best, at = x[i], i
			}
		}
	}
	return at
}

// maxima computes y (planes, rows, columns) of x (planes, height, width).
func (w pooling) maxima(y, x []float64) {
	w.each(x, func(out, in int) { y[out] = x[in] })
}

// maximaGradient computes the gradient of x from that of y.
func (w pooling) maximaGradient(dx, dy, x []float64) {
	w.each(x, func(out, in int) { dx[in] += dy[out] })
}
