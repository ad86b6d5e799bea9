package classify

import (
	"context"
	"fmt"
	"os"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// predictor is a trained network, ready for inference.
type predictor struct {
	backend.Machine
	scope     *autograd.Scope
	inference backend.Inference
	weights   weights.Weights
}

// run reads the weights and calls f with a predictor, after a check of the memory for batches of
// c.BatchSize images of a height and a width; nil: those of the weights.
func (c PredictConfig) run(ctx context.Context, size []int, f func(*predictor) error) error {
	if err := c.Options.Validate(); err != nil {
		return err
	}
	w, err := read(c.Weights, c.Raw, c.Reading)
	if err != nil {
		return err
	}
	return autograd.Run(ctx, func(s *autograd.Scope) error {
		m, err := backend.NewMachine(s, w.Graph, c.Options)
		if err != nil {
			return err
		}
		if err := checkMemory(m, w.Graph, c.BatchSize, size); err != nil {
			return err
		}
		network, err := m.Load(s, w)
		if err != nil {
			return err
		}
		return f(&predictor{Machine: m, scope: s, inference: m.Inference(s, network), weights: w})
	})
}

func checkMemory(m backend.Machine, g *models.Graph, images int, size []int) error {
	if size != nil {
		var err error
		if g, err = g.Resize(size[0], size[1]); err != nil {
			return err
		}
	}
	return m.InferenceMemory(g, images, 1).Check()
}

// logits copies a batch's outputs to the host: n*classes values, row-major.
func (p *predictor) logits(batch func(*autograd.Scope) *autograd.Tensor) (logits []float32, err error) {
	if err := p.scope.Context().Err(); err != nil {
		return nil, err
	}
	err = p.scope.Sub(func(s *autograd.Scope) error {
		logits = autograd.ToSlice[float32](s, batch(s))
		return s.Err()
	})
	return logits, err
}

// images classifies a batch of images.
func (p *predictor) images(batch []Prediction, top int) error {
	pre := p.weights.Preprocess
	size := pre.Resolution * pre.Resolution * 3
	pixels := make([]uint8, 0, len(batch)*size)
	var readable []*Prediction
	for i := range batch {
		image, err := data.LoadImage(batch[i].Image, pre)
		if err != nil {
			batch[i].Error = err.Error()
			if info, err := os.Stat(batch[i].Image); err == nil && info.IsDir() {
				batch[i].Error = fmt.Sprintf("classify: %s: a folder; give its images, such as %[1]s/*", strings.TrimSuffix(data.ShowName(batch[i].Image), "/"))
			}
			continue
		}
		pixels, readable = append(pixels, image...), append(readable, &batch[i])
	}
	if len(readable) == 0 {
		return nil
	}
	logits, err := p.logits(func(s *autograd.Scope) *autograd.Tensor {
		return p.inference.ForwardPixels(s, autograd.Pixels{Values: pixels, N: len(readable), Height: pre.Resolution, Width: pre.Resolution,
			Mean: pre.Mean, Std: pre.Std})
	})
	if err != nil {
		return err
	}
	classes := len(logits) / len(readable)
	for i, image := range readable {
		image.Top = TopClasses(logits[i*classes:(i+1)*classes], p.weights.Classes, top)
	}
	return nil
}
