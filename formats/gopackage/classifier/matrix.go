package classifier

// matrix holds the weights of a product in panels: groups of neighboring columns, stored row by row, so that a kernel
// reads them in order. The last panel is filled with zeros.
type matrix struct {
	depth, columns int
	panels         []panel
	kernels        *kernels
}

type panel struct {
	first, width int
	weight, bias []float32
}

// newMatrix packs weights. at returns the weight of a row and a column; bias has a value per column or is nil.
func newMatrix(k *kernels, depth, columns int, at func(row, column int) float32, bias []float32) *matrix {
	m := &matrix{depth: depth, columns: columns, kernels: k}
	for first := 0; first < columns; {
		p := panel{first: first, width: k.wide}
		if columns-first <= k.narrow {
			p.width = k.narrow
		}
		p.weight, p.bias = make([]float32, depth*p.width), make([]float32, p.width)
		for c := range min(p.width, columns-first) {
			if bias != nil {
				p.bias[c] = bias[first+c]
			}
			for r := range depth {
				p.weight[r*p.width+c] = at(r, first+c)
			}
		}
		m.panels = append(m.panels, p)
		first += p.width
	}
	return m
}

// multiply computes the columns of some panels of a product: dst = clamp(a * m + bias), for rows of a that are lda values
// apart and rows of dst that are ldc values apart. The columns of panel p are written to dst[.][p.first:].
func (m *matrix) multiply(panels []panel, a []float32, lda, rows int, dst []float32, ldc int, limits clamp, w *worker) {
	for _, p := range panels {
		t := tile{a: a, rows: rows, depth: m.depth, lda: lda, panel: p.weight, bias: p.bias, width: p.width, dst: dst[p.first:], ldc: ldc, clamp: limits}
		valid := min(p.width, m.columns-p.first)
		if valid == p.width {
			m.kernels.product(t)
			continue
		}
		t.dst, t.ldc = w.tail(rows*p.width), p.width
		m.kernels.product(t)
		for r := range rows {
			copy(dst[r*ldc+p.first:][:valid], t.dst[r*p.width:])
		}
	}
}
