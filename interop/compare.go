package interop

import (
	"fmt"
	"math"
	"slices"
)

// Tolerance is the largest difference of a client's logits from ours in float32, absolute, for logits of any size.
const Tolerance = 1e-4

// Compare returns the largest difference of an answer's logits from ours, (n, classes); NaN if a logit is NaN. Of models that
// end with softmax the logarithms of the probabilities are compared. Another shape is an error.
func Compare(a Answer, logits []float32, classes int) (float64, error) {
	if want := []int{len(logits) / classes, classes}; !slices.Equal(a.Shape, want) {
		return 0, fmt.Errorf("interop: logits have shape %v, want %v", a.Shape, want)
	}
	worst := 0.0
	for row := 0; row < len(logits); row += classes {
		ours, theirs := doubles(logits[row:row+classes]), doubles(a.Logits[row:row+classes])
		if a.Probabilities {
			logSoftmax(ours)
		}
		for i := range ours {
			if d := math.Abs(ours[i] - theirs[i]); ours[i] != theirs[i] { // equal infinities have no difference
				worst = math.Max(worst, d) // NaN if one of them is
			}
		}
	}
	return worst, nil
}

func doubles(values []float32) []float64 {
	d := make([]float64, len(values))
	for i, v := range values {
		d[i] = float64(v)
	}
	return d
}

// logSoftmax replaces logits by the logarithms of their probabilities.
func logSoftmax(logits []float64) {
	top, sum := slices.Max(logits), 0.0
	for _, v := range logits {
		sum += math.Exp(v - top)
	}
	for i := range logits {
		logits[i] -= top + math.Log(sum)
	}
}
