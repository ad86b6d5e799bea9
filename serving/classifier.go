package serving

import (
	"context"
	"fmt"
	"io"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/data"
	"depthwise.dev/formats"
	"depthwise.dev/internal/validate"
)

// Config says which weights classify, and how.
type Config struct {
	// Weights is a file or a run's folder, see [formats.Read].
	Weights string
	// MaxBatch, MaxWait and QueueLength as in [EngineConfig], which documents their defaults.
	MaxBatch    int
	MaxWait     time.Duration
	QueueLength int
	backend.Options
}

// Classifier is an [Engine] of trained weights, with their preprocessing and the names of their
// classes. Its methods are safe for concurrent use.
type Classifier struct {
	*Engine
	Classes    []string
	Preprocess data.Preprocess
}

// Open reads the weights and waits for images. The caller closes the classifier.
func Open(c Config) (*Classifier, error) {
	if err := c.Options.Validate(); err != nil {
		return nil, err
	}
	if c.Weights == "" {
		return nil, validate.Field("Weights", "", "must name a file of weights or a run's folder")
	}
	w, err := formats.Read(c.Weights)
	if err != nil {
		return nil, err
	}
	engine, err := newEngine(EngineConfig{
		Network: func(s *autograd.Scope) (*backend.Network, error) { return backend.Load(s, w, autograd.CPU) },
		Mean:    w.Preprocess.Mean, Std: w.Preprocess.Std, Options: c.Options,
		MaxBatch: c.MaxBatch, MaxWait: c.MaxWait, QueueLength: c.QueueLength,
	})
	if err != nil {
		return nil, fmt.Errorf("serving: %s: %w", c.Weights, err)
	}
	return &Classifier{Engine: engine, Classes: w.Classes, Preprocess: w.Preprocess}, nil
}

// Predict reads an image file, decodes it on the caller's goroutine, and returns its most probable
// classes, at most top. Errors: those of reading and decoding, and those of [Engine.Classify].
func (c *Classifier) Predict(ctx context.Context, image io.Reader, top int) ([]classify.ClassProbability, error) {
	file, err := io.ReadAll(image)
	if err != nil {
		return nil, fmt.Errorf("serving: %w", err)
	}
	return c.predict(ctx, top, func() ([]uint8, error) { return data.DecodeImage(file, c.Preprocess) })
}

// PredictFile is Predict for the file at a path.
func (c *Classifier) PredictFile(ctx context.Context, path string, top int) ([]classify.ClassProbability, error) {
	return c.predict(ctx, top, func() ([]uint8, error) { return data.LoadImage(path, c.Preprocess) })
}

func (c *Classifier) predict(ctx context.Context, top int, decode func() ([]uint8, error)) ([]classify.ClassProbability, error) {
	if top < 1 {
		return nil, fmt.Errorf("serving: top is %d; must be at least 1", top)
	}
	pixels, err := decode()
	if err != nil {
		return nil, err
	}
	logits, err := c.Classify(ctx, pixels)
	if err != nil {
		return nil, err
	}
	return classify.TopClasses(logits, c.Classes, top), nil
}
