package oracle

// each calls f for every product of the convolution with the indices of its output, input and
// weight.
func (k window) each(f func(out, in, weight int)) {
	insPerGroup, outsPerGroup := k.ins/k.groups, k.outs/k.groups
	for image := range k.images {
		for o := range k.outs {
			for c := range insPerGroup {
				plane := image*k.ins + o/outsPerGroup*insPerGroup + c
				filter := o*insPerGroup + c
				for row := range k.rows {
					for column := range k.columns {
						out := ((image*k.outs+o)*k.rows+row)*k.columns + column
						for p := range k.kh {
							in := (plane*k.height+row*k.stride+p)*k.width + column*k.stride
							weight := (filter*k.kh + p) * k.kw
							for q := range k.kw {
								f(out, in+q, weight+q)
							}
						}
					}
				}
			}
		}
	}
}

// forward computes y (N, O, rows, columns) of x (N, C, H, W) and w (O, C/groups, kh, kw).
func (k window) forward(y, x, w []float64) {
	k.each(func(out, in, weight int) { y[out] += x[in] * w[weight] })
}

// inputGradient computes the gradient of x from that of y.
func (k window) inputGradient(dx, dy, w []float64) {
	k.each(func(out, in, weight int) { dx[in] += dy[out] * w[weight] })
}

// weightGradient computes the gradient of w from that of y.
func (k window) weightGradient(dw, dy, x []float64) {
	k.each(func(out, in, weight int) { dw[weight] += dy[out] * x[in] })
}

// frame is the geometry of padding: planes of height by width within rows by columns.
type frame struct {
	planes, height, width, top, left, rows, columns int
}

// pad copies the planes into the larger, zeroed ones.
func (f frame) pad(out, x []float64) {
	for plane := range f.planes {
		for row := range f.height {
			for column := range f.width {
				out[f.outer(plane, row, column)] = x[f.inner(plane, row, column)]
			}
		}
	}
}

// crop is the inverse of pad.
func (f frame) crop(out, x []float64) {
	for plane := range f.planes {
		for row := range f.height {
			for column := range f.width {
				out[f.inner(plane, row, column)] = x[f.outer(plane, row, column)]
			}
		}
	}
}

func (f frame) inner(plane, row, column int) int {
	return (plane*f.height+row)*f.width + column
}

func (f frame) outer(plane, row, column int) int {
	return (plane*f.rows+row+f.top)*f.columns + column + f.left
}
