package classifier

// depthwiseStep computes a depthwise convolution.
func (p *plan) depthwiseStep(i int) step {
	out, to, compute := p.shapes[i+1], p.value(i), p.depthwiseRows(i)
	lines := max(1, min(blockValues/out.channels/out.columns, (out.rows+7)/8))
	return step{(out.rows + lines - 1) / lines, func(r *run, _ *worker, chunk int) {
		first := chunk * lines * out.columns
		count := min(lines*out.columns, out.positions()-first)
		compute(r, first, count, to(r)[first*out.channels:][:count*out.channels])
	}}
}

// depthwiseRows returns a function that computes a depthwise convolution at count positions of the result from first on.
// Both are multiples of the columns.
func (p *plan) depthwiseRows(i int) func(r *run, first, count int, dst []float32) {
	l, in, out := &p.header.Layers[i], p.in(i), p.shapes[i+1]
	d := depthwise{kernels: p.kernels, in: in, out: out, kernel: l.Kernel, stride: l.Stride, top: l.Rows[0], left: l.Cols[0], clamp: clamps[l.Activation]}
	d.weight, d.bias = make([]float32, len(l.weight)), make([]float32, l.Out)
	taps := l.Kernel * l.Kernel
	for c := range l.Out {
		for t := range taps {
			d.weight[t*l.Out+c] = l.weight[c*taps+t]
		}
	}
	copy(d.bias, l.bias)
	from := p.value(l.Inputs[0])
	return func(r *run, first, count int, dst []float32) {
		for y := first / out.columns; y < (first+count)/out.columns; y++ {
			d.line(from(r), y, dst[(y*out.columns-first)*out.channels:][:out.columns*out.channels])
		}
	}
}

// depthwise is a depthwise convolution with its weights as (kernel, kernel, channels).
type depthwise struct {
	kernels                   *kernels
	in, out                   shape
	kernel, stride, top, left int
	weight, bias              []float32
	clamp
}

// line computes a row of the result: the positions whose windows are inside the image's columns together, those at the
// borders one by one.
func (d *depthwise) line(src []float32, y int, dst []float32) {
	inner := min(d.out.columns, (d.left+d.stride-1)/d.stride)
	end := inner
	if room := d.in.columns + d.left - d.kernel; room >= 0 {
		end = max(inner, min(d.out.columns, room/d.stride+1))
	}
	for x := range inner {
		d.at(src, y, x, 1, dst[x*d.out.channels:])
	}
	if end > inner {
		d.at(src, y, inner, end-inner, dst[inner*d.out.channels:])
	}
	for x := end; x < d.out.columns; x++ {
		d.at(src, y, x, 1, dst[x*d.out.channels:])
	}
}

// at computes count positions from (y, x) on, which have the same taps inside the image.
func (d *depthwise) at(src []float32, y, x, count int, dst []float32) {
	rows, firstY := inside(y*d.stride-d.top, d.kernel, d.in.rows)
	columns, firstX := inside(x*d.stride-d.left, d.kernel, d.in.columns)
	w := window{dst: dst, bias: d.bias, count: count, channels: d.out.channels, step: d.stride * d.in.channels, row: d.in.columns * d.in.channels,
		rows: rows, columns: columns, kernel: d.kernel, clamp: d.clamp}
	if rows > 0 && columns > 0 {
		top, left := y*d.stride-d.top+firstY, x*d.stride-d.left+firstX
		w.src = src[(top*d.in.columns+left)*d.in.channels:]
		w.weight = d.weight[(firstY*d.kernel+firstX)*d.out.channels:]
	} else {
		w.rows = 0 // all zeros: the result is the bias
	}
	d.kernels.depthwise(w)
}

// inside returns how many taps of a window at a position are inside an axis of a size, and the first of them.
func inside(at, kernel, size int) (taps, first int) {
	first = max(0, -at)
	return min(kernel, size-at) - first, first
}
