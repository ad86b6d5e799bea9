package train

import (
	"cmp"
	"context"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/data"
	"depthwise.dev/models/mobilenet"
)

// predictor is a trained network that is ready to compute.
type predictor struct {
	machine
	scope     *autograd.Scope
	inference *mobilenet.Inference
	weights   Weights
}

// run reads the weights and lends f a predictor.
func (c PredictConfig) run(ctx context.Context, f func(*predictor) error) error {
	if err := c.validate(); err != nil {
		return err
	}
	w, err := readWeights(c.Weights, c.Raw)
	if err != nil {
		return err
	}
	return autograd.Run(ctx, func(s *autograd.Scope) error {
		m, err := newMachine(s, c.compute())
		if err != nil {
			return err
		}
		network, err := w.network(s, m)
		if err != nil {
			return err
		}
		return f(&predictor{machine: m, scope: s, inference: m.inference(s, network), weights: w})
	})
}

// logits takes a batch's outputs to the host: n*classes values, row-major.
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

// images fills in what a batch of images shows.
func (p *predictor) images(batch []Prediction, top int) error {
	pre := p.weights.Preprocess
	size := pre.Resolution * pre.Resolution * 3
	pixels := make([]uint8, 0, len(batch)*size)
	var read []*Prediction
	for i := range batch {
		image, err := data.LoadImage(batch[i].Image, pre)
		if err != nil {
			batch[i].Error = err.Error()
			continue
		}
		pixels, read = append(pixels, image...), append(read, &batch[i])
	}
	if len(read) == 0 {
		return nil
	}
	logits, err := p.logits(func(s *autograd.Scope) *autograd.Tensor {
		return p.inference.ForwardPixels(s, autograd.Pixels{Values: pixels, N: len(read), Height: pre.Resolution, Width: pre.Resolution,
			Mean: pre.Mean, Std: pre.Std})
	})
	if err != nil {
		return err
	}
	classes := len(logits) / len(read)
	for i, image := range read {
		image.Top = guesses(logits[i*classes:(i+1)*classes], p.weights.Classes, top)
	}
	return nil
}

// guesses are the top likeliest classes of one image; equal ones in class order.
func guesses(logits []float32, names []string, top int) []Guess {
	list := make([]Guess, len(logits))
	for i, p := range mobilenet.Softmax(logits) {
		list[i] = Guess{Index: i, Probability: p}
		if i < len(names) {
			list[i].Class = names[i]
		}
	}
	slices.SortStableFunc(list, func(a, b Guess) int { return cmp.Compare(b.Probability, a.Probability) })
	return list[:min(top, len(list))]
}
