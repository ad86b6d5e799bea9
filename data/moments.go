package data

import (
	"math"

	"depthwise.dev/data/jpeg"
)

// Moments adds up the pixels of batches. The zero value has seen none.
type Moments struct{ counts [3][256]uint64 }

// Add counts every pixel of a batch.
func (m *Moments) Add(b *Batch) {
	var counts jpeg.Counts
	jpeg.Image{Pixels: b.Pixels, Width: b.Width, Height: b.N * b.Height}.Histogram(&counts)
	for channel := range counts {
		for v, n := range &counts[channel] {
			m.counts[channel][v] += uint64(n)
		}
	}
}

// MeanStd returns mean and standard deviation of R, G and B, of pixels from 0 to 1, as
// Preprocess has them. Without a pixel they are zero.
func (m *Moments) MeanStd() (mean, std [3]float64) {
	for channel, counts := range &m.counts {
		var n, sum, squares float64
		for v, count := range &counts {
			x := float64(v) / 255
			n += float64(count)
			sum += x * float64(count)
			squares += x * x * float64(count)
		}
		if n > 0 {
			mean[channel] = sum / n
			std[channel] = math.Sqrt(max(0, squares/n-mean[channel]*mean[channel]))
		}
	}
	return mean, std
}
