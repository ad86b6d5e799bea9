package mobilenet

import "math"

// The rules by which publishers apply the width multiplier to a layer's channels.

// truncated is int(c*width), keras.applications' MobileNet.
func truncated(c int, width float64) int { return int(float64(c) * width) }

// truncatedFrom8 is max(8, int(c*width)): the article, TF-slim and Hugging Face's MobileNetV1 (min_depth 8).
func truncatedFrom8(c int, width float64) int { return max(8, truncated(c, width)) }

// divisibleBy8 rounds to a multiple of 8 that is not below 90 % of c*width: TensorFlow's, timm's and
// torchvision's _make_divisible.
func divisibleBy8(c int, width float64) int { return makeDivisible(float64(c) * width) }

// truncatedDivisibleBy8 truncates c*width first, as keras.applications' MobileNetV2 does in its blocks.
func truncatedDivisibleBy8(c int, width float64) int {
	return makeDivisible(float64(truncated(c, width)))
}

// roundedDivisibleBy8 rounds c*width first, halves to even, as Hugging Face's MobileNetV2 does.
func roundedDivisibleBy8(c int, width float64) int {
	return makeDivisible(math.RoundToEven(float64(c) * width))
}

// makeDivisible rounds v to the nearest multiple of 8, at least 8, and up where that loses more than 10 %.
func makeDivisible(v float64) int {
	const divisor = 8
	n := max(divisor, int(v+divisor/2)/divisor*divisor)
	if float64(n) < 0.9*v {
		n += divisor
	}
	return n
}
