package classifier

// available returns the kernels that the processor has, the fastest first.
func available() []*kernels {
	list := []*kernels{&portable}
	if cpu.avx2 {
		list = []*kernels{&avx2, &portable}
	}
	if cpu.avx512 {
		list = []*kernels{&avx512, &avx2, &portable}
	}
	return list
}

var avx2 = kernels{name: "avx2", wide: 16, narrow: 8,
	product: func(t tile) {
		if t.width == 16 {
			t.each(avx2Wide)
		} else {
			t.each(avx2Narrow)
		}
	},
	depthwise: func(w window) { depthwiseFrom(w, blocksAVX2.compute(&w, 0)) },
}

// avx512 leaves fewer than 16 channels of a depthwise convolution to AVX2.
var avx512 = kernels{name: "avx512", wide: 32, narrow: 16,
	product: func(t tile) {
		if t.width == 32 {
			t.each(avx512Wide)
		} else {
			t.each(avx512Narrow)
		}
	},
	depthwise: func(w window) { depthwiseFrom(w, blocksAVX2.compute(&w, blocksAVX512.compute(&w, 0))) },
}

// height is a kernel for some rows.
type height struct {
	rows    int
	product func(a *float32, lda uint64, panel *float32, depth uint64, bias, dst *float32, ldc uint64, low, high float32)
}

var (
	avx2Wide     = []height{{6, productAVX2_6x16}, {4, productAVX2_4x16}, {2, productAVX2_2x16}, {1, productAVX2_1x16}}
	avx2Narrow   = []height{{6, productAVX2_6x8}, {4, productAVX2_4x8}, {2, productAVX2_2x8}, {1, productAVX2_1x8}}
	avx512Wide   = []height{{14, productAVX512_14x32}, {7, productAVX512_7x32}, {4, productAVX512_4x32}, {2, productAVX512_2x32}, {1, productAVX512_1x32}}
	avx512Narrow = []height{{14, productAVX512_14x16}, {7, productAVX512_7x16}, {4, productAVX512_4x16}, {2, productAVX512_2x16}, {1, productAVX512_1x16}}
)

// each computes all rows, as many as possible with the largest height.
func (t *tile) each(heights []height) {
	if t.rows == 0 {
		return
	}
	_, _ = t.a[(t.rows-1)*t.lda+t.depth-1], t.dst[(t.rows-1)*t.ldc+t.width-1] // the last values that the assembly uses
	_, _ = t.panel[t.depth*t.width-1], t.bias[t.width-1]
	r := 0
	for _, h := range heights {
		for ; r+h.rows <= t.rows; r += h.rows {
			h.product(&t.a[r*t.lda], uint64(4*t.lda), &t.panel[0], uint64(t.depth), &t.bias[0], &t.dst[r*t.ldc], uint64(4*t.ldc), t.low, t.high)
		}
	}
}

// blocks are the depthwise kernels of an instruction set.
type blocks struct {
	lanes int
	three func(dst, src, weight, bias *float32, blocks, count, channels, step, row uint64, low, high float32)
	any   func(dst, src, weight, bias *float32, blocks, count, rows, columns, channels, step, row, line uint64, low, high float32)
}

var (
	blocksAVX2   = blocks{8, depthwise3AVX2, depthwiseAVX2}
	blocksAVX512 = blocks{16, depthwise3AVX512, depthwiseAVX512}
)

// compute computes as many channels from first on as fill registers, and returns the first that is left.
func (b blocks) compute(w *window, first int) int {
	n := (w.channels - first) / b.lanes
	if n == 0 || w.count == 0 || w.rows == 0 {
		return first
	}
	end := first + n*b.lanes
	last := (w.count-1)*w.step + (w.rows-1)*w.row + (w.columns-1)*w.channels
	_, _, _ = w.src[last+end-1], w.weight[((w.rows-1)*w.kernel+w.columns-1)*w.channels+end-1], w.dst[(w.count-1)*w.channels+end-1]
	dst, src, weight, bias := &w.dst[first], &w.src[first], &w.weight[first], &w.bias[first]
	channels, step, row := uint64(4*w.channels), uint64(4*w.step), uint64(4*w.row)
	if w.rows == 3 && w.columns == 3 && w.kernel == 3 {
		b.three(dst, src, weight, bias, uint64(n), uint64(w.count), channels, step, row, w.low, w.high)
	} else {
		b.any(dst, src, weight, bias, uint64(n), uint64(w.count), uint64(w.rows), uint64(w.columns), channels, step, row, channels*uint64(w.kernel), w.low, w.high)
	}
	return end
}
