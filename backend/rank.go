package backend

// Rank returns the place of a class among the logits, 1 for the greatest. Ties and NaN count
// against it.
func Rank(logits []float32, class int) int {
	place := 1
	for i, v := range logits {
		if i != class && !(v < logits[class]) {
			place++
		}
	}
	return place
}
