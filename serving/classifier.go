package serving

import (
	"context"
	"fmt"
	"io"
	"sync"
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
	// Reading says how Weights of other tools are read.
	Reading formats.ReadOptions
	// MaxBatch, MaxWait and QueueLength as in [EngineConfig], which documents their defaults. As many
	// images as QueueLength may also wait for a decoder.
	MaxBatch    int
	MaxWait     time.Duration
	QueueLength int
	// OnBatch as in [EngineConfig].
	OnBatch func(images int)
	// Decoders is the number of images that are decoded at the same time. 0: one for each physical core,
	// at most 8. Decoding takes at most Decoders * MaxPixels * 12 bytes, the garbage that Go's collector
	// has not freed yet not included.
	Decoders int
	// MaxPixels is the number of pixels of the largest image. 0: 25,000,000. Larger images are refused from
	// their headers, with ErrTooLarge.
	MaxPixels int
	// MaxFileSize is the size of the largest image file in bytes. 0: 32 MiB. Larger files are refused with
	// ErrTooLarge.
	MaxFileSize int64
	// Decode is data.DecodeExact, the default: the pixels, and so the logits, of evaluation; or
	// data.DecodeFast: large JPEG files at a reduced size, whose logits differ a little.
	Decode string
	backend.Options
}

// Classifier is an [Engine] of trained weights, with their preprocessing and the names of their
// classes. Its methods are safe for concurrent use.
type Classifier struct {
	*Engine
	Classes    []string
	Preprocess data.Preprocess
	MultiLabel bool // an image may have any number of the classes

	decoding *decoding
	classes  func(logits []float32, top int) []classify.ClassProbability // predicted for an image
	mu       sync.RWMutex                                                // guards closing
	closing  bool                                                        // Close was called
	requests sync.WaitGroup                                              // being decoded or computed
}

// Open reads the weights and waits for images. The caller closes the classifier.
func Open(c Config) (*Classifier, error) {
	if err := c.Options.Validate(); err != nil {
		return nil, err
	}
	if c.Weights == "" {
		return nil, validate.Field("Weights", "", "must name a file of weights or a run's folder")
	}
	w, err := formats.ReadWith(c.Weights, c.Reading)
	if err != nil {
		return nil, err
	}
	classes, err := classify.Predictor(w)
	if err != nil {
		return nil, fmt.Errorf("serving: %s: %w", c.Weights, err)
	}
	decoding, err := newDecoding(c, w.Preprocess)
	if err != nil {
		return nil, fmt.Errorf("serving: %w", err)
	}
	engine, err := newEngine(EngineConfig{
		Network: func(s *autograd.Scope) (*backend.Network, error) { return backend.Load(s, w, autograd.CPU) },
		Mean:    w.Preprocess.Mean, Std: w.Preprocess.Std, Options: c.Options,
		MaxBatch: c.MaxBatch, MaxWait: c.MaxWait, QueueLength: c.QueueLength, OnBatch: c.OnBatch,
	})
	if err != nil {
		decoding.close()
		return nil, fmt.Errorf("serving: %s: %w", c.Weights, err)
	}
	return &Classifier{Engine: engine, Classes: w.Classes, Preprocess: w.Preprocess, MultiLabel: w.MultiLabel(), decoding: decoding, classes: classes}, nil
}

// Predict reads an image file, decodes it and returns its most probable classes, at most top; of multi-label
// weights those that reach their thresholds, possibly none. It returns
// ctx's error when ctx ends while the image waits, is decoded or is computed; a Read of image that blocks is
// not interrupted. Other errors: those of reading, ErrImage, ErrTooLarge, and those of [Engine.Classify].
func (c *Classifier) Predict(ctx context.Context, image io.Reader, top int) ([]classify.ClassProbability, error) {
	return c.predict(top, func() ([]float32, error) { return c.compute(ctx, image, c.Engine.Classify) })
}

// PredictBytes is Predict for the content of an image file, which is not copied: it must not change until PredictBytes
// returns, and after ctx ended not at all.
func (c *Classifier) PredictBytes(ctx context.Context, image []byte, top int) ([]classify.ClassProbability, error) {
	return c.predict(top, func() ([]float32, error) { return c.computeBytes(ctx, image, c.Engine.Classify) })
}

// PredictFile is Predict for the file at a path.
func (c *Classifier) PredictFile(ctx context.Context, path string, top int) ([]classify.ClassProbability, error) {
	return c.predict(top, func() ([]float32, error) { return c.computeFile(ctx, path, c.Engine.Classify) })
}

func (c *Classifier) predict(top int, logits func() ([]float32, error)) ([]classify.ClassProbability, error) {
	if top < 1 {
		return nil, fmt.Errorf("serving: top is %d; must be at least 1", top)
	}
	values, err := logits()
	if err != nil {
		return nil, err
	}
	return c.classes(values, top), nil
}

// Embed reads an image file, decodes it and returns its features, as [classify.Embed] does without Normalize. Images
// that arrive together are computed as one batch. Errors are those of Predict, and that of a network without a head.
// [Engine.Embed] takes pixels.
func (c *Classifier) Embed(ctx context.Context, image io.Reader) ([]float32, error) {
	return c.compute(ctx, image, c.Engine.Embed)
}

// EmbedBytes is Embed for the content of an image file, as PredictBytes.
func (c *Classifier) EmbedBytes(ctx context.Context, image []byte) ([]float32, error) {
	return c.computeBytes(ctx, image, c.Engine.Embed)
}

// EmbedFile is Embed for the file at a path.
func (c *Classifier) EmbedFile(ctx context.Context, path string) ([]float32, error) {
	return c.computeFile(ctx, path, c.Engine.Embed)
}

// computeFunc is a method of the engine.
type computeFunc = func(ctx context.Context, pixels []uint8) ([]float32, error)

func (c *Classifier) compute(ctx context.Context, image io.Reader, compute computeFunc) ([]float32, error) {
	file, err := c.decoding.read(ctx, image)
	if err != nil {
		return nil, servingError(ctx, err)
	}
	return c.computeBytes(ctx, file, compute)
}

func (c *Classifier) computeBytes(ctx context.Context, file []byte, compute computeFunc) ([]float32, error) {
	return c.decoded(ctx, compute, func(ctx context.Context, d *data.Decoder) ([]uint8, error) { return d.Decode(ctx, file) })
}

func (c *Classifier) computeFile(ctx context.Context, path string, compute computeFunc) ([]float32, error) {
	return c.decoded(ctx, compute, func(ctx context.Context, d *data.Decoder) ([]uint8, error) { return d.Load(ctx, path) })
}

// decoded computes an image that one of the decoders decodes.
func (c *Classifier) decoded(ctx context.Context, compute computeFunc, decode decodeFunc) ([]float32, error) {
	if !c.begin() {
		return nil, fmt.Errorf("serving: %w", ErrClosed)
	}
	defer c.requests.Done()
	pixels, err := c.decoding.pool.Do(ctx, decode)
	if err != nil {
		return nil, c.decoding.err(ctx, err)
	}
	return compute(ctx, pixels)
}

// begin counts a request, unless Close was called.
func (c *Classifier) begin() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.closing {
		c.requests.Add(1)
	}
	return !c.closing
}

// Stats returns the counts so far.
func (c *Classifier) Stats() Stats {
	s, d := c.Engine.Stats(), c.decoding.pool.Stats()
	s.Refused += d.Refused
	s.Dropped += d.Dropped
	s.Waiting += d.Waiting
	s.Decoding = d.Running
	return s
}

// Close refuses further images, waits until those before are decoded and computed, and frees the network.
func (c *Classifier) Close() error {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.requests.Wait()
	c.decoding.close()
	return c.Engine.Close()
}
