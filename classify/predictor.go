package classify

import (
	"context"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/weights"
)

// predictor is a trained network, ready for inference.
type predictor struct {
	backend.Machine
	scope     *autograd.Scope
	network   *backend.Network
	inference backend.Inference
	weights   weights.Weights
	classes   func(logits []float32, top int) []ClassProbability // predicted for an image
}

// run reads the weights and calls f with a predictor, after a check of the memory for batches of
// c.BatchSize images of a height and a width; nil: those of the weights.
func (c PredictConfig) run(ctx context.Context, size []int, f func(*predictor) error) error {
	return c.runSlots(ctx, size, 1, f)
}

// runSlots is run with a number of batches that are loaded at a time.
func (c PredictConfig) runSlots(ctx context.Context, size []int, slots int, f func(*predictor) error) error {
	if err := c.Options.Validate(); err != nil {
		return err
	}
	w, err := read(c.Weights, c.Raw, c.Reading)
	if err != nil {
		return err
	}
	classes, err := predictorAt(w, c.Threshold)
	if err != nil {
		return err
	}
	g := w.Graph // in the size of the images
	if size != nil {
		if g, err = g.Resize(size[0], size[1]); err != nil {
			return err
		}
	}
	var m backend.Machine
	err = autograd.Run(ctx, func(s *autograd.Scope) error {
		if m, err = backend.NewMachine(s, w.Graph, c.Options); err != nil {
			return err
		}
		if err := m.CheckInference(g, c.BatchSize, slots); err != nil {
			return err
		}
		network, err := m.Load(s, w)
		if err != nil {
			return err
		}
		return f(&predictor{Machine: m, scope: s, network: network, inference: m.Inference(s, network), weights: w, classes: classes})
	})
	return m.MemoryError(err, g, c.BatchSize, "--batch-size")
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
