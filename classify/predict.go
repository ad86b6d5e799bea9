package classify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/formats"
)

// PredictConfig says which weights predict, and how.
type PredictConfig struct {
	// Weights is a file or a run's folder, see [formats.Read].
	Weights string
	// Raw selects the last weights of training in place of their average, see
	// [weights.Weights.Plain].
	Raw bool
	// Reading says how Weights of other tools are read.
	Reading formats.ReadOptions
	// Top is the maximum number of classes for each image. 0: 5.
	Top int
	// BatchSize is the number of images in a batch. 0: 32.
	BatchSize int
	backend.Options
}

// Prediction holds the most probable classes of an image, or why it cannot be read. Its JSON writes bytes
// of the path that are not UTF-8 as \xe9, see [data.EscapeName].
type Prediction struct {
	Image string             `json:"image"`
	Top   []ClassProbability `json:"top,omitempty"`
	Error string             `json:"error,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (p Prediction) MarshalJSON() ([]byte, error) {
	type plain Prediction // without methods
	p.Image = data.EscapeName(p.Image)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the caller's encoder decides
	err := e.Encode(plain(p))
	return b.Bytes(), err
}

// Predict classifies image files, in their order. Where one cannot be read its Error is set, and
// the other images are classified nevertheless.
func Predict(ctx context.Context, c PredictConfig, images []string) ([]Prediction, error) {
	predictions := make([]Prediction, len(images))
	for i, image := range images {
		predictions[i].Image = image
	}
	c.BatchSize = max(1, min(cmp.Or(c.BatchSize, 32), len(images)))
	err := c.run(ctx, nil, func(p *predictor) error {
		for chunk := range slices.Chunk(predictions, c.BatchSize) {
			if err := p.images(chunk, cmp.Or(c.Top, 5)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("classify: %w", err)
	}
	return predictions, nil
}

// PredictArray computes the logits of a .npy file, float32 (N, 3, H, W) and
// already normalized, and writes them as a .npy file, float32 (N, classes).
func PredictArray(ctx context.Context, c PredictConfig, input, output string) error {
	a, errA := os.Stat(input)
	b, errB := os.Stat(output)
	if errA == nil && errB == nil && a.Mode().IsRegular() && os.SameFile(a, b) {
		return fmt.Errorf("classify: %s is the input and the output: choose another name for the output", input)
	}
	pixels, shape, err := readBatch(input)
	if err != nil {
		return err
	}
	n, each := shape[0], shape[1]*shape[2]*shape[3]
	var logits []float32
	classes := 0
	c.BatchSize = min(cmp.Or(c.BatchSize, 32), n)
	err = c.run(ctx, shape[2:], func(p *predictor) error {
		classes = p.weights.Graph.Classes()
		for from := 0; from < n; from += c.BatchSize {
			to := min(n, from+c.BatchSize)
			part, err := p.logits(func(s *autograd.Scope) *autograd.Tensor {
				x := autograd.FromSlice(s, pixels[from*each:to*each], int64(to-from), 3, int64(shape[2]), int64(shape[3]))
				return p.inference.Forward(s, s.ChannelsLast(s.ToDevice(x, p.Place)))
			})
			if err != nil {
				return err
			}
			logits = append(logits, part...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("classify: %s: %w", input, err)
	}
	out, err := checkpoints.NewArray("logits", logits, n, classes)
	if err != nil {
		return fmt.Errorf("classify: %s: %w", input, err)
	}
	return checkpoints.WriteNPY(output, out.Data)
}
