package oracle

// sum computes the sum of each channel.
func (b block) sum(out, x []float64) {
	for image := range b.images {
		for c := range b.channels {
			for p := range b.positions {
				out[c] += x[(image*b.channels+c)*b.positions+p]
			}
		}
	}
}

// spread broadcasts the value of each channel.
func (b block) spread(out, v []float64) {
	for image := range b.images {
		for c := range b.channels {
			for p := range b.positions {
				out[(image*b.channels+c)*b.positions+p] = v[c]
			}
		}
	}
}
