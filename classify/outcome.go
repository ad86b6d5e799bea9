package classify

import (
	"math"

	"depthwise.dev/backend"
)

// Outcome is what a network made of one image of a known class.
type Outcome struct {
	Sample     int     // index into the data set's samples
	Class      int     // of the image
	Predicted  int     // the class with the greatest logit
	Confidence float64 // probability of the predicted class
	Rank       int     // place of the image's class among all, from 1
	Loss       float64 // cross entropy: -log of the probability of the image's class
}

// Correct reports whether the image's class was predicted.
func (o Outcome) Correct() bool { return o.Rank == 1 }

// newOutcome compares the logits of an image with its class. Where several classes have the greatest logit, the image counts
// as wrong, see [backend.Rank].
func newOutcome(sample, class int, logits []float32) Outcome {
	o := Outcome{Sample: sample, Class: class, Predicted: class, Rank: backend.Rank(logits, class), Loss: crossEntropy(logits, class)}
	if !o.Correct() {
		o.Predicted = -1
		for i, v := range logits {
			if i != class && (o.Predicted < 0 || greater(v, logits[o.Predicted])) {
				o.Predicted = i
			}
		}
	}
	o.Confidence = math.Exp(-crossEntropy(logits, o.Predicted))
	return o
}

// greater compares logits, of which NaN is the greatest, as for [backend.Rank].
func greater(a, b float32) bool { return a > b || a != a && b == b }

// Outcomes compares the logits (N, classes) of images with their N classes. samples are their indices in the data set.
func Outcomes(logits []float32, labels []int64, samples []int, each func(o Outcome, logits []float32)) {
	classes := len(logits) / max(len(labels), 1)
	for i, label := range labels {
		row := logits[i*classes : (i+1)*classes]
		each(newOutcome(samples[i], int(label), row), row)
	}
}
