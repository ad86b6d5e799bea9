package classify

import (
	"math"
	"slices"
)

// Softmax converts the logits of an image to probabilities.
func Softmax(logits []float32) []float64 {
	p := make([]float64, len(logits))
	if len(logits) == 0 {
		return p
	}
	highest, sum := float64(slices.Max(logits)), 0.0
	for i, x := range logits {
		p[i] = math.Exp(float64(x) - highest)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}
