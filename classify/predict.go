package classify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

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
	// Top is the maximum number of classes for each image. 0: 5, and of multi-label weights all that reach their thresholds.
	Top int
	// Threshold leaves out classes of a lower probability, 0 to 1. Above 0 it replaces the thresholds of multi-label weights.
	Threshold float64
	// Explain computes Grad-CAM maps, see [Predicted]: of the most probable class, or of ExplainClass.
	Explain      bool
	ExplainClass string // the name of a class; "": the most probable one
	// BatchSize is the number of images in a batch. 0: 32.
	BatchSize int
	// Workers that decode images ahead. 0: decode in the calling goroutine. -1: one for each physical core.
	Workers int
	backend.Options
}

// Prediction holds the most probable classes of an image, the first the most probable, or why it cannot be read. Its JSON
// writes bytes of the path that are not UTF-8 as \xe9, see [data.EscapeName], and has an empty list "top" where no class reaches the
// threshold.
type Prediction struct {
	Image string             `json:"image"`
	Top   []ClassProbability `json:"top,omitempty"`
	Error string             `json:"error,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (p Prediction) MarshalJSON() ([]byte, error) {
	plain := struct {
		Image string              `json:"image"`
		Top   *[]ClassProbability `json:"top,omitempty"`
		Error string              `json:"error,omitempty"`
	}{data.EscapeName(p.Image), nil, p.Error}
	if p.Error == "" {
		top := append([]ClassProbability{}, p.Top...)
		plain.Top = &top
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the caller's encoder decides
	err := e.Encode(plain)
	return b.Bytes(), err
}

// Predict classifies image files, in their order. Where one cannot be read its Error is set, and
// the other images are classified nevertheless. [PredictImages] takes more than files, and yields results while it computes.
func Predict(ctx context.Context, c PredictConfig, images []string) ([]Prediction, error) {
	set := &data.Dataset{Classes: []string{""}}
	for _, image := range images {
		set.Samples = append(set.Samples, data.Sample{Path: image})
	}
	predictions := make([]Prediction, 0, len(images))
	for p, err := range PredictImages(ctx, c, set) {
		if err != nil {
			return nil, err
		}
		if info, err := os.Stat(p.Image); p.Error != "" && err == nil && info.IsDir() {
			p.Error = fmt.Sprintf("%s: a folder; give its images, such as %[1]s/*, or list them with Inputs", strings.TrimSuffix(data.ShowName(p.Image), "/"))
		}
		predictions = append(predictions, p.Prediction)
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
