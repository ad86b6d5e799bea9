package classify

import (
	"fmt"
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/data"
)

// Kinds of test-time augmentation.
const (
	TTANone = "none"
	TTAFlip = "flip" // the mean probabilities of an image and its mirror image
)

// TTAs lists the kinds of test-time augmentation.
var TTAs = []string{TTANone, TTAFlip}

// logits returns those of a batch, (N, classes). With test-time augmentation they are the logarithms of the mean
// probabilities of the images' views.
func (e Evaluation) logits(s *autograd.Scope, inference backend.Inference, b *data.Batch) ([]float32, error) {
	logits := autograd.ToSlice[float32](s, inference.ForwardPixels(s, backend.Pixels(b, e.Preprocess)))
	if s.Err() != nil || e.TTA != TTAFlip {
		return logits, s.Err()
	}
	mirrored := backend.Pixels(b, e.Preprocess)
	mirrored.Values = mirror(b.Pixels, b.Width)
	views := autograd.ToSlice[float32](s, inference.ForwardPixels(s, mirrored))
	if s.Err() != nil {
		return nil, s.Err()
	}
	if len(views) != len(logits) {
		return nil, fmt.Errorf("classify: %d logits of mirrored images, %d of the images", len(views), len(logits))
	}
	classes, mean := len(logits)/b.N, meanProbabilities
	if e.MultiLabel {
		mean = meanSigmoid
	}
	for i := 0; i < len(logits); i += classes {
		mean(logits[i:i+classes], views[i:i+classes])
	}
	return logits, nil
}

// meanProbabilities replaces logits by the logarithms of the mean of both probabilities.
func meanProbabilities(logits, other []float32) {
	p, q := Softmax(logits), Softmax(other)
	for i := range logits {
		logits[i] = float32(math.Log((p[i] + q[i]) / 2))
	}
}

// mirror returns RGB images with the columns of each row reversed.
func mirror(pixels []uint8, width int) []uint8 {
	mirrored := make([]uint8, len(pixels))
	for row := 0; row < len(pixels); row += 3 * width {
		for x := range width {
			copy(mirrored[row+3*x:row+3*x+3], pixels[row+3*(width-1-x):])
		}
	}
	return mirrored
}
