package classifier

import "math"

// clamp is an activation function as limits of a value. NaN propagates.
type clamp struct{ low, high float32 }

// clamps are the activation functions.
var clamps = map[string]clamp{
	"":      {float32(math.Inf(-1)), float32(math.Inf(1))},
	"relu":  {0, float32(math.Inf(1))},
	"relu6": {0, 6},
}

func (c clamp) apply(v float32) float32 {
	if v < c.low {
		return c.low
	}
	if v > c.high {
		return c.high
	}
	return v
}

// kernels are the inner loops for an instruction set. All compute a sum in the same order; they differ in whether a
// product is rounded before it is added.
type kernels struct {
	name string
	// wide and narrow are the widths of the panels into which matrices are divided, see [matrix].
	wide, narrow int
	// product multiplies rows by a panel.
	product func(t tile)
	// depthwise sums a window of each channel.
	depthwise func(w window)
}

// tile is a product of rows by a panel of a matrix: dst = clamp(a * panel + bias).
type tile struct {
	a           []float32 // rows values of depth, lda values apart
	rows, depth int
	lda         int
	panel       []float32 // depth rows of width values
	bias        []float32 // width values
	width       int
	dst         []float32 // rows of width values, ldc values apart
	ldc         int
	clamp
}

// window is a depthwise convolution at count neighboring positions, all of whose taps are inside the image:
// dst[i][c] = clamp(bias[c] + sum of src[i*step + y*row + x*channels + c] * weight[(y*kernel + x)*channels + c]).
type window struct {
	dst, src, weight, bias []float32
	count, channels        int
	step, row              int // distances in src
	rows, columns          int // of taps
	kernel                 int // columns of taps in weight
	clamp
}

// portable are kernels in Go.
var portable = kernels{name: "portable", wide: 4, narrow: 4, product: productPortable, depthwise: depthwisePortable}

func productPortable(t tile) {
	r := 0
	for ; r+2 <= t.rows; r += 2 {
		product2x4(&t, r)
	}
	if r < t.rows {
		product1x4(&t, r)
	}
}

// product2x4 computes rows r and r+1. Its eight sums and the values that they need fit into 16 registers.
func product2x4(t *tile, r int) {
	a0, a1 := t.a[r*t.lda:][:t.depth], t.a[(r+1)*t.lda:][:t.depth]
	c00, c01, c02, c03 := t.bias[0], t.bias[1], t.bias[2], t.bias[3]
	c10, c11, c12, c13 := c00, c01, c02, c03
	panel := t.panel[:4*t.depth]
	for i, x := range a0 {
		y, b := a1[i], (*[4]float32)(panel[4*i:])
		c00 += x * b[0]
		c01 += x * b[1]
		c02 += x * b[2]
		c03 += x * b[3]
		c10 += y * b[0]
		c11 += y * b[1]
		c12 += y * b[2]
		c13 += y * b[3]
	}
	d := (*[4]float32)(t.dst[r*t.ldc:])
	d[0], d[1], d[2], d[3] = t.apply(c00), t.apply(c01), t.apply(c02), t.apply(c03)
	d = (*[4]float32)(t.dst[(r+1)*t.ldc:])
	d[0], d[1], d[2], d[3] = t.apply(c10), t.apply(c11), t.apply(c12), t.apply(c13)
}

func product1x4(t *tile, r int) {
	c0, c1, c2, c3 := t.bias[0], t.bias[1], t.bias[2], t.bias[3]
	panel := t.panel[:4*t.depth]
	for i, x := range t.a[r*t.lda:][:t.depth] {
		b := (*[4]float32)(panel[4*i:])
		c0 += x * b[0]
		c1 += x * b[1]
		c2 += x * b[2]
		c3 += x * b[3]
	}
	d := (*[4]float32)(t.dst[r*t.ldc:])
	d[0], d[1], d[2], d[3] = t.apply(c0), t.apply(c1), t.apply(c2), t.apply(c3)
}

func depthwisePortable(w window) { depthwiseFrom(w, 0) }

// depthwiseFrom computes the channels from first on.
func depthwiseFrom(w window, first int) {
	if first == w.channels {
		return
	}
	for i := range w.count {
		dst := w.dst[i*w.channels+first : (i+1)*w.channels]
		copy(dst, w.bias[first:])
		for y := range w.rows {
			for x := range w.columns {
				src := w.src[i*w.step+y*w.row+x*w.channels+first:][:len(dst)]
				weight := w.weight[(y*w.kernel+x)*w.channels+first:][:len(dst)]
				for c := range dst {
					dst[c] += src[c] * weight[c]
				}
			}
		}
		for c, v := range dst {
			dst[c] = w.apply(v)
		}
	}
}
