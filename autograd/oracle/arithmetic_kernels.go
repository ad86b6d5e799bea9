package oracle

// affine is out = a*x + b.
func affine(out, x []float64, a, b float64) {
	for i, v := range x {
		out[i] = a*v + b
	}
}

// clamp is out = min(max(x, low), high).
func clamp(out, x []float64, low, high float64) {
	for i, v := range x {
		out[i] = min(max(v, low), high)
	}
}

// clampGradient passes the gradient where x is strictly between low and high.
func clampGradient(out, x, gradient []float64, low, high float64) {
	for i, v := range x {
		if v > low && v < high {
			out[i] = gradient[i]
		}
	}
}
