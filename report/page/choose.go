package page

import (
	"cmp"
	"slices"

	"depthwise.dev/metrics"
)

// Examples is the number of images of each kind that a page shows.
const Examples = 12

// Choose returns the indices of the predictions whose images a page shows: the mistakes with the greatest loss, and the lowest
// confidences of all. Equal ones are in the order of the list.
func Choose(list []metrics.Prediction) (worst, unsure []int) {
	for i, p := range list {
		unsure = append(unsure, i)
		if !p.Correct() {
			worst = append(worst, i)
		}
	}
	slices.SortStableFunc(worst, func(a, b int) int { return cmp.Compare(list[b].Loss, list[a].Loss) })
	slices.SortStableFunc(unsure, func(a, b int) int { return cmp.Compare(list[a].Confidence, list[b].Confidence) })
	return worst[:min(Examples, len(worst))], unsure[:min(Examples, len(unsure))]
}
