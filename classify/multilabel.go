package classify

import (
	"cmp"
	"math"
	"slices"

	"depthwise.dev/data"
	"depthwise.dev/metrics"
	"depthwise.dev/weights"
)

// AddBatch adds the results of a batch: logits (N, classes) with the batch's labels or targets.
func (c *Score) AddBatch(logits []float32, b *data.Batch) {
	if len(b.Targets) > 0 {
		c.addMultiLabel(logits, b.Targets, b.N)
		c.samples = append(c.samples, b.Samples...)
		return
	}
	c.Add(logits, b.Labels)
}

// addMultiLabel adds images of any number of classes: Top1 counts those of which every class is predicted correctly at 0.5,
// and Loss is the binary cross entropy, the mean over the classes.
func (c *Score) addMultiLabel(logits, targets []float32, images int) {
	classes := len(targets) / images
	c.multi.Classes = classes
	for i := range images {
		row, target := logits[i*classes:(i+1)*classes], targets[i*classes:(i+1)*classes]
		loss, match := 0.0, true
		for k, x := range row {
			is := target[k] > 0.5
			loss += metrics.BinaryCrossEntropy(x, is) / float64(classes)
			match = match && (x > 0) == is
			c.multi.Labels = append(c.multi.Labels, is)
		}
		c.multi.Scores = append(c.multi.Scores, row...)
		c.Loss += loss
		c.Images++
		if match {
			c.Top1++
		}
	}
}

// MultiLabel returns the scores and labels of multi-label images, and the indices of the images in the data set. It shares
// their memory.
func (c Score) MultiLabel() (m metrics.MultiLabel, samples []int) { return c.multi, c.samples }

// MAP is the mean average precision of multi-label images over the classes that have some, 0 of others.
func (c Score) MAP() float64 {
	if c.multi.Classes == 0 {
		return 0
	}
	if mean := metrics.MeanDefined(c.multi.AveragePrecision()); !math.IsNaN(mean) {
		return mean
	}
	return 0
}

// Probabilities returns what makes probabilities of an image's logits: sigmoid of multi-label weights, otherwise softmax.
func Probabilities(w weights.Weights) func(logits []float32) []float64 {
	if !w.MultiLabel() {
		return Softmax
	}
	return func(logits []float32) []float64 {
		p := make([]float64, len(logits))
		for i, x := range logits {
			p[i] = metrics.Sigmoid(x)
		}
		return p
	}
}

// Predictor returns the classes that weights predict for an image from its logits, the most probable first, at most top: of
// multi-label weights those that reach their thresholds.
func Predictor(w weights.Weights) (func(logits []float32, top int) []ClassProbability, error) {
	if !w.MultiLabel() {
		return func(logits []float32, top int) []ClassProbability { return TopClasses(logits, w.Classes, top) }, nil
	}
	thresholds, _, err := w.Thresholds()
	if err != nil {
		return nil, err
	}
	return above(w, thresholds), nil
}

// predictorAt is [Predictor] where one threshold of all classes, if it is above 0, replaces those of multi-label weights. It changes
// nothing for others: they have one class, whatever its probability.
func predictorAt(w weights.Weights, threshold float64) (func(logits []float32, top int) []ClassProbability, error) {
	if !w.MultiLabel() || threshold == 0 {
		return Predictor(w)
	}
	return above(w, slices.Repeat([]float64{threshold}, len(w.Classes))), nil
}

// above returns the classes of multi-label weights that reach thresholds.
func above(w weights.Weights, thresholds []float64) func(logits []float32, top int) []ClassProbability {
	probabilities := Probabilities(w)
	return func(logits []float32, top int) []ClassProbability {
		list := []ClassProbability{}
		for i, p := range probabilities(logits) {
			if p >= thresholds[i] {
				list = append(list, ClassProbability{Class: w.Classes[i], Index: i, Probability: p})
			}
		}
		slices.SortStableFunc(list, func(a, b ClassProbability) int { return cmp.Compare(b.Probability, a.Probability) })
		return list[:min(top, len(list))]
	}
}

// top is the number of classes of an image that is not asked for otherwise.
func (p *predictor) top() int {
	if p.weights.MultiLabel() {
		return len(p.weights.Classes)
	}
	return 5
}
