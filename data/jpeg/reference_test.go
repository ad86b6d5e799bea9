package jpeg

import (
	"math"
	"slices"
)

// referenceResize is the resize written to be read: no windows, no C. It must agree
// with the fast path bit for bit.
func referenceResize(src []byte, width int, r Resize) []byte {
	rows := r.Y.Origin + r.Y.Size
	half := make([]byte, 3*r.X.Count*rows)
	precision := referencePrecision(r.X, r.Filter)
	for i := range r.X.Count {
		output := r.X.First + i
		if r.Flip {
			output = r.X.First + r.X.Count - 1 - i
		}
		low, weights := referenceWeights(r.X, r.Filter, output)
		for y := range rows {
			for c := range 3 {
				half[3*(y*r.X.Count+i)+c] = weightedSum(weights, precision, func(t int) byte { return src[3*(y*width+low+t)+c] })
			}
		}
	}
	out := make([]byte, 3*r.X.Count*r.Y.Count)
	n := 3 * r.X.Count
	precision = referencePrecision(r.Y, r.Filter)
	for i := range r.Y.Count {
		low, weights := referenceWeights(r.Y, r.Filter, r.Y.First+i)
		for k := range n {
			out[i*n+k] = weightedSum(weights, precision, func(t int) byte { return half[(low+t)*n+k] })
		}
	}
	return out
}

// referencePrecision is the number of bits after the point at which all weights of an axis fit in 16.
func referencePrecision(a Axis, f Filter) int {
	largest := 0.0
	for i := range a.Scaled {
		_, weights := referenceWeights(a, f, i)
		largest = max(largest, slices.Max(weights))
	}
	precision := 0
	for precision < 22 && int(0.5+largest*float64(int(2)<<precision)) < 1<<15 {
		precision++
	}
	return precision
}

// referenceWeights returns the first source pixel of an output and the weights from it on.
func referenceWeights(a Axis, f Filter, output int) (low int, weights []float64) {
	scale := float64(a.Size) / float64(a.Scaled)
	wider := math.Max(scale, 1)
	support := wider
	if f == Bicubic {
		support = 2 * wider
	}
	center := (float64(output) + 0.5) * scale
	low = max(int(center-support+0.5), 0)
	high := min(int(center+support+0.5), a.Size)
	value := func(i int) float64 {
		x := math.Abs((float64(i) - center + 0.5) * (1 / wider))
		switch {
		case f == Bilinear:
			return math.Max(1-x, 0)
		case x < 1:
			return (1.5*x-2.5)*x*x + 1
		case x < 2:
			return ((-0.5*x+2.5)*x-4)*x + 2
		}
		return 0
	}
	total := 0.0
	for i := low; i < high; i++ {
		total += value(i)
	}
	for i := low; i < high; i++ {
		weights = append(weights, value(i)/total)
	}
	return a.Origin + low, weights
}

func weightedSum(weights []float64, precision int, pixel func(t int) byte) byte {
	sum := 1 << (precision - 1)
	for t, w := range weights {
		sum += int(math.Copysign(0.5, w)+w*float64(int(1)<<precision)) * int(pixel(t))
	}
	return byte(max(0, min(sum>>precision, 255)))
}
