package preview

import (
	"math"

	"depthwise.dev/data"
	"depthwise.dev/data/jpeg"
)

// PixelStats accumulates the pixel values of batches. The zero value is empty.
type PixelStats struct{ counts [3][256]uint64 }

// Add counts all pixels of a batch.
func (m *PixelStats) Add(b *data.Batch) {
	var counts jpeg.Counts
	jpeg.Image{Pixels: b.Pixels, Width: b.Width, Height: b.N * b.Height}.Histogram(&counts)
	for channel := range counts {
		for v, n := range &counts[channel] {
			m.counts[channel][v] += uint64(n)
		}
	}
}

// MeanStd returns the mean and standard deviation of R, G and B for pixels in 0..1, as in
// [data.Preprocess]. Without pixels they are zero.
func (m *PixelStats) MeanStd() (mean, std [3]float64) {
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
