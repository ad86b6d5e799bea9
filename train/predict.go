package train

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/checkpoints"
)

// PredictConfig says what predicts.
type PredictConfig struct {
	// Weights is a file or a run's folder, see [ReadWeights].
	Weights string
	// Raw takes the plain weights where there is an average of them, see [Weights.Plain].
	Raw bool
	// Top is how many classes each image gets, at most; 0: 5.
	Top int
	// BatchSize is how many images are computed at once; 0: 32.
	BatchSize int
	// Threads that compute. 0: one for each physical core.
	Threads int
	// Precision is fp32, bf16 or auto, Device cpu, cuda, cuda:N or auto, Kernels fused, torch or auto; "": fp32, auto, auto.
	Precision, Device, Kernels string
}

// Prediction is what an image shows: its likeliest classes, or why it cannot be read.
type Prediction struct {
	Image string  `json:"image"`
	Top   []Guess `json:"top,omitempty"`
	Error string  `json:"error,omitempty"`
}

// Guess is a class with its probability.
type Guess struct {
	Class       string  `json:"class"`
	Index       int     `json:"index"`
	Probability float64 `json:"probability"`
}

// Predict names what is on images, in their order. An image that cannot be read
// has its Error set and does not keep the others from being predicted.
func Predict(ctx context.Context, c PredictConfig, images []string) ([]Prediction, error) {
	predictions := make([]Prediction, len(images))
	for i, image := range images {
		predictions[i].Image = image
	}
	err := c.run(ctx, func(p *predictor) error {
		for chunk := range slices.Chunk(predictions, cmp.Or(c.BatchSize, 32)) {
			if err := p.images(chunk, cmp.Or(c.Top, 5)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("train: predict: %w", err)
	}
	return predictions, nil
}

// PredictArray computes the logits of a .npy file, float32 (N, 3, H, W) and
// already normalized, and writes them as a .npy file, float32 (N, classes).
func PredictArray(ctx context.Context, c PredictConfig, input, output string) error {
	pixels, shape, err := readBatch(input)
	if err != nil {
		return err
	}
	n, each := shape[0], shape[1]*shape[2]*shape[3]
	var logits []float32
	classes := 0
	err = c.run(ctx, func(p *predictor) error {
		classes = p.weights.Config.Classes
		for from := 0; from < n; from += cmp.Or(c.BatchSize, 32) {
			to := min(n, from+cmp.Or(c.BatchSize, 32))
			part, err := p.logits(func(s *autograd.Scope) *autograd.Tensor {
				x := autograd.FromSlice(s, pixels[from*each:to*each], int64(to-from), 3, int64(shape[2]), int64(shape[3]))
				return p.inference.Forward(s, s.ChannelsLast(s.ToDevice(x, p.device)))
			})
			if err != nil {
				return err
			}
			logits = append(logits, part...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("train: predict %s: %w", input, err)
	}
	out, err := checkpoints.NewArray("logits", logits, n, classes)
	if err != nil {
		return fmt.Errorf("train: predict %s: %w", input, err)
	}
	return checkpoints.WriteNPY(output, out.Data)
}

// readBatch reads a float32 array of shape (N, 3, H, W).
func readBatch(path string) (pixels []float32, shape []int, err error) {
	d, err := checkpoints.ReadNPY(path)
	if err != nil {
		return nil, nil, err
	}
	shape = d.Shape()
	if len(shape) != 4 || shape[1] != 3 || slices.Min(shape) < 1 {
		return nil, nil, fmt.Errorf("train: %s: its shape is %v: must be (N, 3, H, W)", path, shape)
	}
	pixels, err = checkpoints.Values[float32](checkpoints.Array{Name: path, Data: d})
	if err != nil {
		return nil, nil, fmt.Errorf("train: %s: must be float32: %w", path, err)
	}
	return pixels, shape, nil
}
