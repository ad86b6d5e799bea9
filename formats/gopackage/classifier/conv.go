package classifier

// Bytes of the left side of a product that a goroutine processes at a time: half of a level-2 cache of 512 KB or more. A
// left side of wholeValues or less stays whole, and the goroutines divide the columns.
const (
	blockValues = 256 << 10 / 4
	wholeValues = 512 << 10 / 4
)

// source computes rows of the left side of a product: one for each position of the result, from position first on. It
// returns them with the distance between rows.
type source func(r *run, w *worker, first, count int) (rows []float32, distance int)

// depthwise reports whether a convolution has one filter per channel and one result per filter.
func (p *plan) depthwise(i int) bool {
	l, in := &p.header.Layers[i], p.in(i)
	return l.Kind == KindConv && l.Groups > 1 && l.Groups == in.channels && l.Out == in.channels
}

// pointwise reports whether a convolution is a product of the activations as they are.
func (p *plan) pointwise(i int) bool {
	l := &p.header.Layers[i]
	return l.Kind == KindConv && l.Kernel == 1 && l.Stride == 1 && l.Groups == 1 && l.Rows == [2]int{} && l.Cols == [2]int{}
}

// in is the shape of a layer's first input.
func (p *plan) in(i int) shape { return p.shapes[p.header.Layers[i].Inputs[0]+1] }

// fuses reports whether a layer is computed block by block as the left side of the product that reads it: a depthwise
// convolution with large activations, which would leave the cache, before a pointwise one.
func (p *plan) fuses(i int) bool {
	if !p.depthwise(i) || p.readers[i] != 1 || i+1 == len(p.header.Layers) {
		return false
	}
	reader := i + 1
	for ; reader < len(p.header.Layers); reader++ {
		if p.header.Layers[reader].Inputs[0] == i {
			break
		}
	}
	return reader < len(p.header.Layers) && p.pointwise(reader) && p.shapes[i+1].values() > wholeValues
}

// convStep computes a convolution with any number of groups.
func (p *plan) convStep(i int) step {
	l, in, out := &p.header.Layers[i], p.in(i), p.shapes[i+1]
	each, outs := in.channels/l.Groups, l.Out/l.Groups
	depth := each * l.Kernel * l.Kernel
	matrices, sources := make([]*matrix, l.Groups), make([]source, l.Groups)
	for g := range l.Groups {
		at := func(row, column int) float32 { // rows in the order (y, x, channel) of window
			tap, channel := row/each, row%each
			return l.weight[((g*outs+column)*each+channel)*l.Kernel*l.Kernel+tap]
		}
		var bias []float32
		if l.Bias {
			bias = l.bias[g*outs : (g+1)*outs]
		}
		matrices[g] = newMatrix(p.kernels, depth, outs, at, bias)
		sources[g] = p.windows(i, g*each, each)
	}
	l.weight = nil // packed
	if p.pointwise(i) {
		sources[0] = p.rows(i)
	}
	return p.product(out, depth, matrices, sources, p.value(i), clamps[l.Activation], p.whole(i, depth))
}

// whole reports whether the left side of a convolution is small and need not be computed.
func (p *plan) whole(i, depth int) bool {
	input := p.header.Layers[i].Inputs[0]
	return p.pointwise(i) && !(input >= 0 && p.fused[input]) && p.shapes[i+1].positions()*depth <= wholeValues
}

// product plans a product for each group, whose results are neighboring channels.
func (p *plan) product(out shape, depth int, matrices []*matrix, sources []source, to func(r *run) []float32, limits clamp, whole bool) step {
	outs := out.channels / len(matrices)
	if whole {
		m, parts := matrices[0], 1
		if len(m.panels) < 2*maxGoroutines && out.positions() >= 64 {
			parts = 2
		}
		each := (out.positions() + parts - 1) / parts
		return step{len(m.panels) * parts, func(r *run, w *worker, chunk int) {
			first := chunk % parts * each
			count := min(each, out.positions()-first)
			rows, distance := sources[0](r, w, first, count)
			panel := chunk / parts
			m.multiply(m.panels[panel:panel+1], rows, distance, count, to(r)[first*out.channels:], out.channels, limits, w)
		}}
	}
	lines := max(1, min(blockValues/depth/out.columns, (out.rows+7)/8)) // rows of the image per chunk; 8 chunks or more
	return step{(out.rows + lines - 1) / lines, func(r *run, w *worker, chunk int) {
		first := chunk * lines * out.columns
		count := min(lines*out.columns, out.positions()-first)
		for g, m := range matrices {
			rows, distance := sources[g](r, w, first, count)
			m.multiply(m.panels, rows, distance, count, to(r)[first*out.channels+g*outs:], out.channels, limits, w)
		}
	}}
}

// rows is the source of a pointwise convolution.
func (p *plan) rows(i int) source {
	input, channels := p.header.Layers[i].Inputs[0], p.in(i).channels
	if input >= 0 && p.fused[input] {
		compute := p.depthwiseRows(input)
		return func(r *run, w *worker, first, count int) ([]float32, int) {
			rows := w.rows(count * channels)
			compute(r, first, count, rows)
			return rows, channels
		}
	}
	value := p.value(input)
	return func(r *run, _ *worker, first, _ int) ([]float32, int) {
		return value(r)[first*channels:], channels
	}
}

// windows is the source of other convolutions: the input under the kernel, for some neighboring channels. Values outside
// the image are zeros.
func (p *plan) windows(i, channel, each int) source {
	l, in, out := &p.header.Layers[i], p.in(i), p.shapes[i+1]
	kernel, stride, top, left := l.Kernel, l.Stride, l.Rows[0], l.Cols[0]
	value, depth := p.value(l.Inputs[0]), each*kernel*kernel
	return func(r *run, w *worker, first, count int) ([]float32, int) {
		src, rows := value(r), w.rows(count*depth)
		for n := range count {
			dst := rows[n*depth : (n+1)*depth]
			y0, x0 := (first+n)/out.columns*stride-top, (first+n)%out.columns*stride-left
			for ky := range kernel {
				line := dst[ky*kernel*each:][:kernel*each]
				y := y0 + ky
				if y < 0 || y >= in.rows {
					clear(line)
					continue
				}
				if each == in.channels && x0 >= 0 && x0+kernel <= in.columns {
					copy(line, src[(y*in.columns+x0)*in.channels:])
					continue
				}
				for kx := range kernel {
					tap := line[kx*each:][:each]
					if x := x0 + kx; x < 0 || x >= in.columns {
						clear(tap)
					} else {
						copy(tap, src[(y*in.columns+x)*in.channels+channel:])
					}
				}
			}
		}
		return rows, depth
	}
}

// linearStep computes a linear layer: a product with one row.
func (p *plan) linearStep(i int) step {
	l, in := &p.header.Layers[i], p.in(i)
	m := newMatrix(p.kernels, in.channels, l.Out, func(row, column int) float32 { return l.weight[column*in.channels+row] }, l.bias)
	l.weight = nil // packed
	from, to, limits := p.value(l.Inputs[0]), p.value(i), clamps[l.Activation]
	chunks := min(len(m.panels), 2*maxGoroutines)
	return step{chunks, func(r *run, w *worker, chunk int) {
		first, end := chunk*len(m.panels)/chunks, (chunk+1)*len(m.panels)/chunks
		m.multiply(m.panels[first:end], from(r), in.channels, 1, to(r), l.Out, limits, w)
	}}
}
