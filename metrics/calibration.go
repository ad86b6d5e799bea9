package metrics

import (
	"math"
	"slices"
)

// bins is the number of bins of [ECE], as in the paper.
const bins = 15

// Bin holds the predictions whose confidence, the probability of the predicted class, lies in a range.
type Bin struct {
	Images     int     `json:"images"`
	Confidence float64 `json:"confidence"` // mean
	Accuracy   float64 `json:"accuracy"`
}

// ECE returns the expected calibration error of predictions: the mean difference of confidence and accuracy over 15 bins of
// equal width, weighted by their images, and the bins. A network whose probabilities are right has 0.
// Guo et al., On Calibration of Modern Neural Networks, https://arxiv.org/abs/1706.04599, equation 3.
func ECE(confidence []float64, correct []bool) (float64, []Bin) {
	list := make([]Bin, bins)
	for i, p := range confidence {
		b := &list[min(max(int(math.Ceil(p*bins))-1, 0), bins-1)] // ((b-1)/15, b/15]
		b.Images++
		b.Confidence += p
		if correct[i] {
			b.Accuracy++
		}
	}
	sum := 0.0
	for i := range list {
		b := &list[i]
		if b.Images == 0 {
			continue
		}
		sum += math.Abs(b.Accuracy - b.Confidence) // of sums: weighted by images
		b.Confidence /= float64(b.Images)
		b.Accuracy /= float64(b.Images)
	}
	return sum / float64(max(len(confidence), 1)), list
}

// Range of [Temperature], and where its search ends.
const (
	minTemperature = 0.05
	maxTemperature = 20
	logTolerance   = 1e-6 // of the logarithm of the temperature
)

// Temperature returns the number by which to divide logits so that the cross entropy with the labels is lowest, from 0.05 to
// 20; above 1 the network is too confident. logits are (N, classes), row-major. The order of the classes does not change.
// Guo et al., section 4.2. The loss is convex in the reciprocal, so that its derivative has one zero, found by bisection.
func Temperature(logits []float32, labels []int64) float64 {
	if len(labels) == 0 {
		return 1
	}
	low, high := math.Log(minTemperature), math.Log(maxTemperature)
	for high-low > logTolerance {
		middle := (low + high) / 2
		if lossSlope(logits, labels, math.Exp(-middle)) > 0 { // the loss grows with the reciprocal: it should be smaller
			low = middle
		} else {
			high = middle
		}
	}
	return math.Exp((low + high) / 2)
}

// AtLimit reports whether a temperature is an end of the range of [Temperature]: no temperature is best. That is so for images
// that are all classified correctly, for which certainty is never too great, and for those that are classified worse than by
// chance.
func AtLimit(temperature float64) bool {
	return temperature < 1.01*minTemperature || temperature > maxTemperature/1.01
}

// lossSlope is the derivative of the summed cross entropy of softmax(scale*logits) by scale: over images, the expected logit
// minus that of the label.
func lossSlope(logits []float32, labels []int64, scale float64) float64 {
	classes := len(logits) / len(labels)
	slope := 0.0
	for i, label := range labels {
		row := logits[i*classes : (i+1)*classes]
		highest := float64(slices.Max(row))
		sum, expected := 0.0, 0.0
		for _, x := range row {
			if e := math.Exp(scale * (float64(x) - highest)); e > 0 { // not 0 * -Inf: the logarithm of a probability of 0
				sum += e
				expected += e * (float64(x) - highest)
			}
		}
		slope += expected/sum - (float64(row[label]) - highest)
	}
	return slope
}
