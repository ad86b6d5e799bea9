package classifier

import "math"

// linesOf divides the rows of a result into about 8 chunks and calls compute with the positions of one.
func linesOf(s shape, compute func(r *run, first, end int)) step {
	lines := (s.rows + 7) / 8
	return step{(s.rows + lines - 1) / lines, func(r *run, _ *worker, chunk int) {
		compute(r, chunk*lines*s.columns, min((chunk+1)*lines, s.rows)*s.columns)
	}}
}

// elementsStep computes a batch norm, an addition or an activation function.
func (p *plan) elementsStep(i int) step {
	l, out := &p.header.Layers[i], p.shapes[i+1]
	from, to, limits := p.value(l.Inputs[0]), p.value(i), clamps[l.Activation]
	other := from
	if l.Kind == KindAdd {
		other = p.value(l.Inputs[1])
	}
	return linesOf(out, func(r *run, first, end int) {
		first, end = first*out.channels, end*out.channels
		a, dst := from(r)[first:end], to(r)[first:end]
		switch l.Kind {
		case KindAdd:
			b := other(r)[first:end][:len(a)]
			for i, v := range a {
				dst[i] = limits.apply(v + b[i])
			}
		case KindBatchNorm:
			for i, v := range a {
				c := i % out.channels
				dst[i] = limits.apply(v*l.scale[c] + l.shift[c])
			}
		default:
			for i, v := range a {
				dst[i] = limits.apply(v)
			}
		}
	})
}

// maxPoolStep computes the maximum over windows; positions outside the image do not count. NaN is the maximum, as in
// libtorch.
func (p *plan) maxPoolStep(i int) step {
	l, in, out := &p.header.Layers[i], p.in(i), p.shapes[i+1]
	from, to, limits := p.value(l.Inputs[0]), p.value(i), clamps[l.Activation]
	return linesOf(out, func(r *run, first, end int) {
		src := from(r)
		for at := first; at < end; at++ {
			dst := to(r)[at*out.channels:][:out.channels]
			for c := range dst {
				dst[c] = float32(math.Inf(-1))
			}
			y0, x0 := at/out.columns*l.Stride-l.Rows[0], at%out.columns*l.Stride-l.Cols[0]
			for y := max(y0, 0); y < min(y0+l.Kernel, in.rows); y++ {
				for x := max(x0, 0); x < min(x0+l.Kernel, in.columns); x++ {
					for c, v := range src[(y*in.columns+x)*in.channels:][:len(dst)] {
						if v > dst[c] || v != v {
							dst[c] = v
						}
					}
				}
			}
			for c, v := range dst {
				dst[c] = limits.apply(v)
			}
		}
	})
}

// averageStep computes the mean over all positions. Sums are float64.
func (p *plan) averageStep(i int) step {
	l, in := &p.header.Layers[i], p.in(i)
	from, to, limits := p.value(l.Inputs[0]), p.value(i), clamps[l.Activation]
	const group = 64 // channels of a chunk
	return step{(in.channels + group - 1) / group, func(r *run, _ *worker, chunk int) {
		src, first := from(r), chunk*group
		n := min(group, in.channels-first)
		var sums [group]float64
		for at := range in.positions() {
			for c, v := range src[at*in.channels+first:][:n] {
				sums[c] += float64(v)
			}
		}
		for c := range n {
			to(r)[first+c] = limits.apply(float32(sums[c] / float64(in.positions())))
		}
	}}
}

// flattenStep reorders (rows, columns, channels) to (channels, rows, columns), the order of the weights behind it.
func (p *plan) flattenStep(i int) step {
	l, in := &p.header.Layers[i], p.in(i)
	from, to, limits := p.value(l.Inputs[0]), p.value(i), clamps[l.Activation]
	return step{1, func(r *run, _ *worker, _ int) {
		src, dst := from(r), to(r)
		for at := range in.positions() {
			for c, v := range src[at*in.channels:][:in.channels] {
				dst[c*in.positions()+at] = limits.apply(v)
			}
		}
	}}
}
