package jpeg

import "math"

// The resize in Go: torchvision's antialiased resize of byte tensors, which is PyTorch's
// upsample_avx_bilinear_bicubic_uint8. It equals the C code bit for bit. Builds without cgo use it.

// goAxis holds the weights of the outputs of one axis.
type goAxis struct {
	low       []int   // the first source pixel of each output
	weights   [][]int // from it on
	precision int     // bits after the point of a weight
}

func newGoAxis(a Axis, f Filter) goAxis {
	g := goAxis{low: make([]int, a.Count), weights: make([][]int, a.Count)}
	var exact []float64
	largest := 0.0
	for i := range a.Scaled { // the precision depends on the weights of all outputs
		exact, _ = f.weights(a, i, exact[:0])
		for _, w := range exact {
			largest = max(largest, w)
		}
	}
	for g.precision < 22 && int(0.5+largest*float64(int(2)<<g.precision)) < 1<<15 {
		g.precision++
	}
	for i := range a.Count {
		exact, g.low[i] = f.weights(a, a.First+i, exact[:0])
		for _, w := range exact {
			g.weights[i] = append(g.weights[i], int(math.Copysign(0.5, w)+w*float64(int(1)<<g.precision)))
		}
	}
	return g
}

// at is the filter's value at a distance, in pixels of the smaller image. The conversions forbid fused
// multiply-adds, so that every processor computes the same weights.
func (f Filter) at(x float64) float64 {
	if f == Bilinear {
		return max(1-x, 0)
	}
	const a = -0.5
	switch {
	case x < 1:
		return float64(float64((float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64((float64((float64(a*x)-5*a)*x)+8*a)*x) - 4*a
	}
	return 0
}

// weights appends the normalized weights of an output to dst and returns the first source pixel.
func (f Filter) weights(a Axis, output int, dst []float64) (weights []float64, low int) {
	scale := float64(a.Size) / float64(a.Scaled)
	wider := max(scale, 1)
	support := wider
	if f == Bicubic {
		support *= 2
	}
	center := float64((float64(output) + 0.5) * scale)
	low = max(int(center-support+0.5), 0)
	high := min(int(center+support+0.5), a.Size)
	total := 0.0
	for i := low; i < high; i++ {
		dst = append(dst, f.at(math.Abs(float64((float64(i)-center+0.5)*(1/wider)))))
		total += dst[len(dst)-1]
	}
	for i := range dst {
		dst[i] /= total
	}
	return dst, a.Origin + low
}

// sum is a weighted sum of values that are step bytes apart, rounded.
func (g *goAxis) sum(i int, src []byte, step int) byte {
	sum := 1 << (g.precision - 1)
	for t, w := range g.weights[i] {
		sum += w * int(src[t*step])
	}
	return byte(max(0, min(sum>>g.precision, 255)))
}

// goResize resizes src, rows of width RGB pixels, to dst.
func goResize(src []byte, width int, r Resize, dst []byte, stride int) {
	x, y := newGoAxis(r.X, r.Filter), newGoAxis(r.Y, r.Filter)
	first, end := y.low[0], 0
	for i, low := range y.low {
		first, end = min(first, low), max(end, low+len(y.weights[i]))
	}
	row := 3 * r.X.Count
	half := make([]byte, row*(end-first))
	for line := range end - first {
		for i := range r.X.Count {
			output := i
			if r.Flip {
				output = r.X.Count - 1 - i
			}
			from := src[3*((first+line)*width+x.low[output]):]
			for c := range 3 {
				half[line*row+3*i+c] = x.sum(output, from[c:], 3)
			}
		}
	}
	for i := range r.Y.Count {
		from := half[(y.low[i]-first)*row:]
		for k := range row {
			dst[i*stride+k] = y.sum(i, from[k:], row)
		}
	}
}
