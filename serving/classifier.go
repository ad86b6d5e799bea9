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

	decoding *decoding
	mu       sync.RWMutex   // guards closing
	closing  bool           // Close was called
	requests sync.WaitGroup // being decoded or computed
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
	decoding, err := newDecoding(c, w.Preprocess)
	if err != nil {
		return nil, fmt.Errorf("serving: %w", err)
	}
	engine, err := newEngine(EngineConfig{
		Network: func(s *autograd.Scope) (*backend.Network, error) { return backend.Load(s, w, autograd.CPU) },
		Mean:    w.Preprocess.Mean, Std: w.Preprocess.Std, Options: c.Options,
		MaxBatch: c.MaxBatch, MaxWait: c.MaxWait, QueueLength: c.QueueLength,
	})
	if err != nil {
		decoding.close()
		return nil, fmt.Errorf("serving: %s: %w", c.Weights, err)
	}
	return &Classifier{Engine: engine, Classes: w.Classes, Preprocess: w.Preprocess, decoding: decoding}, nil
}

// Predict reads an image file, decodes it and returns its most probable classes, at most top. It returns
// ctx's error when ctx ends while the image waits, is decoded or is computed; a Read of image that blocks is
// not interrupted. Other errors: those of reading and decoding, ErrTooLarge, and those of
// [Engine.Classify].
func (c *Classifier) Predict(ctx context.Context, image io.Reader, top int) ([]classify.ClassProbability, error) {
	file, err := c.decoding.read(ctx, image)
	if err != nil {
		return nil, servingError(ctx, err)
	}
	return c.predict(ctx, top, func(ctx context.Context, d *data.Decoder) ([]uint8, error) { return d.Decode(ctx, file) })
}

// PredictFile is Predict for the file at a path.
func (c *Classifier) PredictFile(ctx context.Context, path string, top int) ([]classify.ClassProbability, error) {
	return c.predict(ctx, top, func(ctx context.Context, d *data.Decoder) ([]uint8, error) { return d.Load(ctx, path) })
}

func (c *Classifier) predict(ctx context.Context, top int, decode decodeFunc) ([]classify.ClassProbability, error) {
	if top < 1 {
		return nil, fmt.Errorf("serving: top is %d; must be at least 1", top)
	}
	if !c.begin() {
		return nil, fmt.Errorf("serving: %w", ErrClosed)
	}
	defer c.requests.Done()
	pixels, err := c.decoding.pool.Do(ctx, decode)
	if err != nil {
		return nil, c.decoding.err(ctx, err)
	}
	logits, err := c.Classify(ctx, pixels)
	if err != nil {
		return nil, err
	}
	return classify.TopClasses(logits, c.Classes, top), nil
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
