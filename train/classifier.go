package train

import (
	"context"
	"fmt"
	"io"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/data"
	"depthwise.dev/models/mobilenet"
)

// ClassifierConfig says what classifies, and how.
type ClassifierConfig struct {
	// Weights is a file or a run's folder, see [ReadWeights].
	Weights string
	// MaxBatch, MaxWait and QueueLength as in [mobilenet.ClassifierConfig]; zero values have its defaults.
	MaxBatch    int
	MaxWait     time.Duration
	QueueLength int
	// Threads that compute. 0: one for each physical core.
	Threads int
	// Precision is fp32, bf16 or auto, Device cpu, cuda, cuda:N or auto, Kernels fused, torch or auto; "": fp32, auto, auto.
	Precision, Device, Kernels string
}

// Classifier is a [mobilenet.Classifier] of trained weights, which knows how images come to the network and what its
// classes are called. Its methods may be called by any goroutine at any time.
type Classifier struct {
	*mobilenet.Classifier
	Classes    []string
	Preprocess data.Preprocess
}

// OpenClassifier reads the weights and starts to wait for images. Close it in the end.
func OpenClassifier(c ClassifierConfig) (*Classifier, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	w, err := ReadWeights(c.Weights)
	if err != nil {
		return nil, err
	}
	core, err := mobilenet.NewClassifier(mobilenet.ClassifierConfig{
		Network: func(s *autograd.Scope) (*mobilenet.Network, error) {
			m, err := newMachine(s, c.compute())
			if err != nil {
				return nil, err
			}
			return w.network(s, m)
		},
		Mean: w.Preprocess.Mean, Std: w.Preprocess.Std, Precision: autograd.Precision(c.compute().Precision),
		MaxBatch: c.MaxBatch, MaxWait: c.MaxWait, QueueLength: c.QueueLength,
	})
	if err != nil {
		return nil, fmt.Errorf("train: %s: %w", c.Weights, err)
	}
	return &Classifier{Classifier: core, Classes: w.Classes, Preprocess: w.Preprocess}, nil
}

// Predict reads an image file, which is decoded on the caller's goroutine, and returns its likeliest classes, at most top.
// Errors: those of reading and decoding, and those of [mobilenet.Classifier.Classify].
func (c *Classifier) Predict(ctx context.Context, image io.Reader, top int) ([]Guess, error) {
	file, err := io.ReadAll(image)
	if err != nil {
		return nil, fmt.Errorf("train: predict: %w", err)
	}
	return c.predict(ctx, top, func() ([]uint8, error) { return data.DecodeImage(file, c.Preprocess) })
}

// PredictFile is Predict for the file at a path.
func (c *Classifier) PredictFile(ctx context.Context, path string, top int) ([]Guess, error) {
	return c.predict(ctx, top, func() ([]uint8, error) { return data.LoadImage(path, c.Preprocess) })
}

func (c *Classifier) predict(ctx context.Context, top int, decode func() ([]uint8, error)) ([]Guess, error) {
	if top < 1 {
		return nil, fmt.Errorf("train: predict: the %d likeliest classes; must be at least 1", top)
	}
	pixels, err := decode()
	if err != nil {
		return nil, err
	}
	logits, err := c.Classify(ctx, pixels)
	if err != nil {
		return nil, err
	}
	return guesses(logits, c.Classes, top), nil
}
