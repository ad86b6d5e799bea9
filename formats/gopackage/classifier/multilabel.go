package classifier

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
)

// MultiLabel reports whether an image may have any number of the classes.
func (c *Classifier) MultiLabel() bool { return c.header.Metadata["task"] == "multi_label" }

// Thresholds returns the probabilities from which on the classes of a multi-label network are predicted, in the order of
// Classes: those that the file records, otherwise 0.5.
func (c *Classifier) Thresholds() []float64 {
	list := make([]float64, len(c.header.Classes))
	for i := range list {
		list[i] = 0.5
	}
	var recorded []float64
	if err := json.Unmarshal([]byte(c.header.Metadata["thresholds"]), &recorded); err == nil && len(recorded) == len(list) {
		return recorded
	}
	return list
}

// independent sorts the classes by probability: the sigmoid of each logit.
func (c *Classifier) independent(logits []float32) []Prediction {
	list := make([]Prediction, len(logits))
	for i, v := range logits {
		list[i] = Prediction{Class: c.header.Classes[i], Index: i, Probability: 1 / (1 + math.Exp(-float64(v)))}
	}
	slices.SortStableFunc(list, func(a, b Prediction) int { return cmp.Compare(b.Probability, a.Probability) })
	return list
}
