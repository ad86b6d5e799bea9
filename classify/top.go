package classify

import (
	"cmp"
	"slices"
)

// ClassProbability is a class with its probability.
type ClassProbability struct {
	Class       string  `json:"class"`
	Index       int     `json:"index"`
	Probability float64 `json:"probability"`
}

// TopClasses returns the most probable classes of one image, at most top of them. Equal ones are in
// class order.
func TopClasses(logits []float32, names []string, top int) []ClassProbability {
	list := make([]ClassProbability, len(logits))
	for i, p := range Softmax(logits) {
		list[i] = ClassProbability{Index: i, Probability: p}
		if i < len(names) {
			list[i].Class = names[i]
		}
	}
	slices.SortStableFunc(list, func(a, b ClassProbability) int { return cmp.Compare(b.Probability, a.Probability) })
	return list[:min(top, len(list))]
}
