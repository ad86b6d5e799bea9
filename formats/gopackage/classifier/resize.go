package classifier

import (
	"image"
	"math"
)

// Resizing is torchvision's antialiased resize of byte tensors, bit for bit: PyTorch's
// upsample_avx_bilinear_bicubic_uint8, with the horizontal pass first and rounding between the passes.

// filter holds the weights of the pixels of one axis of a resize.
type filter struct {
	low       []int     // the first source pixel of each
	weights   [][]int32 // from it on
	precision int       // bits after the point of a weight
}

func newFilter(a axis, interpolation string) filter {
	f := filter{low: make([]int, a.count), weights: make([][]int32, a.count)}
	var exact []float64
	largest := 0.0
	for i := range a.scaled { // the precision depends on the weights of all pixels
		exact, _ = a.weigh(interpolation, i, exact[:0])
		for _, w := range exact {
			largest = max(largest, w)
		}
	}
	for f.precision < 22 && int(0.5+largest*float64(int(2)<<f.precision)) < 1<<15 {
		f.precision++
	}
	for i := range a.count {
		exact, f.low[i] = a.weigh(interpolation, a.first+i, exact[:0])
		f.weights[i] = make([]int32, len(exact))
		for t, w := range exact {
			f.weights[i][t] = int32(math.Copysign(0.5, w) + w*float64(int(1)<<f.precision))
		}
	}
	return f
}

// weigh appends the weights of a pixel, whose sum is 1, to dst and returns the first source pixel.
func (a axis) weigh(interpolation string, pixel int, dst []float64) (weights []float64, low int) {
	scale := float64(a.size) / float64(a.scaled)
	wider := max(scale, 1)
	support, at := wider, triangle
	if interpolation == "bicubic" {
		support, at = 2*wider, cubic
	}
	center := float64((float64(pixel) + 0.5) * scale)
	low = max(int(center-support+0.5), 0)
	high := min(int(center+support+0.5), a.size)
	total := 0.0
	for i := low; i < high; i++ {
		dst = append(dst, at(math.Abs(float64((float64(i)-center+0.5)*(1/wider)))))
		total += dst[len(dst)-1]
	}
	for i := range dst {
		dst[i] /= total
	}
	return dst, low
}

func triangle(x float64) float64 { return max(1-x, 0) }

// cubic is Keys' cubic with a = -0.5. The conversions forbid fused multiply-adds, so that every processor computes the same.
func cubic(x float64) float64 {
	const a = -0.5
	switch {
	case x < 1:
		return float64(float64((float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64((float64((float64(a*x)-5*a)*x)+8*a)*x) - 4*a
	}
	return 0
}

// pixels resizes an image to the input: Resolution x Resolution RGB pixels of 3 bytes.
func (p Preprocess) pixels(img image.Image) []uint8 {
	b := img.Bounds()
	x, y := p.view(b.Dx(), b.Dy())
	small := make([]uint8, 3*x.count*y.count)
	if o, ok := img.(oriented); ok { // the small result is rotated, not the image
		storedX, storedY := o.stored(x, y)
		o.reorder(p.resize(o.Image, storedX, storedY), small, x.count, y.count)
	} else {
		small = p.resize(img, x, y)
	}
	if x.count == p.Resolution && y.count == p.Resolution {
		return small
	}
	out := make([]uint8, 3*p.Resolution*p.Resolution)
	for i := range y.count {
		copy(out[3*((y.at+i)*p.Resolution+x.at):], small[3*i*x.count:][:3*x.count])
	}
	return out
}

// resize returns the pixels of two axes.
func (p Preprocess) resize(img image.Image, x, y axis) []uint8 {
	horizontal, vertical := newFilter(x, p.Interpolation), newFilter(y, p.Interpolation)
	first, end := vertical.low[0], 0
	for i, low := range vertical.low {
		first, end = min(first, low), max(end, low+len(vertical.weights[i]))
	}
	row := 3 * x.count
	half, line := make([]uint8, row*(end-first)), make([]uint8, 3*x.size)
	read := rowReader(img)
	for i := first; i < end; i++ {
		read(i, line)
		horizontal.across(line, half[(i-first)*row:][:row])
	}
	out := make([]uint8, row*y.count)
	sums := make([]int32, row)
	for i, low := range vertical.low {
		vertical.down(half[(low-first)*row:], i, sums, out[i*row:][:row])
	}
	return out
}

// across resizes a row of RGB pixels.
func (f *filter) across(src, dst []uint8) {
	round := int32(1) << f.precision >> 1
	for i, low := range f.low {
		r, g, b, from := round, round, round, src[3*low:]
		for _, w := range f.weights[i] {
			p := from[:3:3]
			r, g, b = r+w*int32(p[0]), g+w*int32(p[1]), b+w*int32(p[2])
			from = from[3:]
		}
		d := dst[3*i : 3*i+3]
		d[0], d[1], d[2] = f.byte(r), f.byte(g), f.byte(b)
	}
}

// down computes row i of the result from rows of src, which starts with the first that it needs.
func (f *filter) down(src []uint8, i int, sums []int32, dst []uint8) {
	for c := range sums {
		sums[c] = int32(1) << f.precision >> 1
	}
	for t, w := range f.weights[i] {
		for c, v := range src[t*len(sums):][:len(sums)] {
			sums[c] += w * int32(v)
		}
	}
	for c, s := range sums {
		dst[c] = f.byte(s)
	}
}

func (f *filter) byte(sum int32) uint8 { return uint8(max(0, min(sum>>f.precision, 255))) }
