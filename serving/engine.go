package serving

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/internal/batching"
	"depthwise.dev/internal/validate"
	"depthwise.dev/models"
)

// Errors of an [Engine] and a [Classifier].
var (
	// ErrQueueFull is returned at once when QueueLength images wait: a server responds 503. A caller that
	// would rather wait keeps at most QueueLength requests in flight.
	ErrQueueFull = batching.ErrFull
	// ErrClosed is returned after Close.
	ErrClosed = batching.ErrClosed
	// ErrTooLarge is in the chain of an error about an image above MaxPixels or a file above MaxFileSize: a
	// server responds 413.
	ErrTooLarge = data.ErrTooLarge
	// ErrImage is in the chain of an error about a file that is no image, or a damaged one: a server responds 400.
	ErrImage = errors.New("the image cannot be read")
)

const defaultQueueLength = 256

// EngineConfig says which network computes, and how.
type EngineConfig struct {
	// Network builds the network, whose images have three channels, in a scope that lasts as long as the
	// engine. It is called once. The engine chooses the backend and moves the network to the device.
	Network func(*autograd.Scope) (*backend.Network, error)
	// Mean and Std normalize pixels from 0 to 1, by channel. Std must not be zero.
	Mean, Std [3]float64
	// Options select device, backend, precision ("": fp32) and threads.
	backend.Options
	// MaxBatch is the maximum batch size. 0: 32.
	MaxBatch int
	// MaxWait is how long an image waits for others to fill its batch. 0: not at all, for the lowest
	// latency of an idle server; under load, images that arrive while a batch is computed form the next
	// one.
	MaxWait time.Duration
	// QueueLength is the number of images that may wait. 0: 256.
	QueueLength int
	// OnBatch is called after each batch with its number of images, by the goroutine that computes: it must return
	// soon. nil: it is not called.
	OnBatch func(images int)
}

// Stats counts images computed and their batches, images refused because the queue was full, images
// dropped because their context ended while they waited, and images that wait now. Those of a
// [Classifier] include images that wait for a decoder.
type Stats struct {
	Images, Batches, Refused, Dropped int64
	Waiting                           int
	Decoding                          int // images being decoded, those whose caller has returned included
}

// An Engine computes a network's logits and features for many goroutines: images that arrive together form a batch,
// which one goroutine, the owner of the network, computes. All methods are safe for concurrent use.
type Engine struct {
	// Graph is the network's.
	Graph *models.Graph

	queue *batching.Queue[request, []float32]
	ended chan struct{} // closed when the goroutine that computes has returned
	err   error         // of that goroutine; valid after ended
}

// NewEngine builds the network and waits for images. The caller closes the engine.
func NewEngine(c EngineConfig) (*Engine, error) {
	k, err := newEngine(c)
	if err != nil {
		return nil, fmt.Errorf("serving: %w", err)
	}
	return k, nil
}

func newEngine(c EngineConfig) (*Engine, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	k := &Engine{ended: make(chan struct{}), queue: batching.New[request, []float32](batching.Settings{
		Batch: cmp.Or(c.MaxBatch, 32), Wait: c.MaxWait, Length: cmp.Or(c.QueueLength, defaultQueueLength)})}
	ready := make(chan error, 1)
	go func() {
		defer close(k.ended)
		k.err = autograd.Run(context.Background(), func(s *autograd.Scope) error {
			b, err := newBatchForward(s, c)
			if err != nil {
				ready <- err
				return err
			}
			k.Graph = b.network.Graph
			ready <- nil
			k.queue.Serve(c.observed(b.compute))
			return nil
		})
	}()
	if err := <-ready; err != nil {
		<-k.ended
		return nil, err
	}
	return k, nil
}

// observed is compute that reports its batches to OnBatch.
func (c EngineConfig) observed(compute func([]request) ([][]float32, error)) func([]request) ([][]float32, error) {
	if c.OnBatch == nil {
		return compute
	}
	return func(batch []request) ([][]float32, error) {
		defer c.OnBatch(len(batch))
		return compute(batch)
	}
}

// validate names every wrong field in a *validate.Error.
func (c EngineConfig) validate() error {
	var v validate.Collector
	if c.Network == nil {
		v.Add(validate.FieldError{Field: "Network", Want: "must be a function that builds one"})
	}
	c.Options.WithDefaults().Collect(&v)
	v.Check(c.MaxBatch >= 0, "MaxBatch", c.MaxBatch, "must not be negative")
	v.Check(c.MaxWait >= 0, "MaxWait", c.MaxWait, "must not be negative")
	v.Check(c.QueueLength >= 0, "QueueLength", c.QueueLength, "must not be negative")
	v.Check(!slices.Contains(c.Std[:], 0), "Std", c.Std, "must not be zero")
	return v.Err()
}

// Classify returns the logits of one image, a value for each class; [classify.Probabilities] makes
// probabilities of them. The pixels are of the size of the network's input, three bytes each (R, G, B),
// row by row, as data.LoadImage gives them; they are copied. It returns ctx's error when ctx ends
// first; an image that waits then is never computed. An error of a batch is returned for each of its
// images; a panic is an [autograd.PanicError].
func (k *Engine) Classify(ctx context.Context, pixels []uint8) (logits []float32, err error) {
	return k.do(ctx, request{pixels: pixels})
}

// Embed is [Engine.Classify] for the features of an image, [models.Graph.FeatureValues] of them: what the head of the
// network reads. See [classify.Embeddings].
func (k *Engine) Embed(ctx context.Context, pixels []uint8) (features []float32, err error) {
	if _, err := k.Graph.FeatureValues(); err != nil {
		return nil, fmt.Errorf("serving: %w", err)
	}
	return k.do(ctx, request{pixels: pixels, features: true})
}

func (k *Engine) do(ctx context.Context, r request) (row []float32, err error) {
	if in := k.Graph.Input; int64(len(r.pixels)) != in.Values() {
		return nil, fmt.Errorf("serving: %d bytes of pixels; want %d * %d * %d", len(r.pixels), in.Channels, in.Height, in.Width)
	}
	r.pixels = bytes.Clone(r.pixels)
	row, err = k.queue.Do(ctx, r)
	if err != nil {
		return nil, servingError(ctx, err)
	}
	return row, nil
}

// servingError returns the error of a queue for the caller of a method.
func servingError(ctx context.Context, err error) error {
	if err == ctx.Err() {
		return err
	}
	if p, ok := errors.AsType[*batching.PanicError](err); ok {
		err = &autograd.PanicError{Value: p.Value, Stack: p.Stack}
	}
	return fmt.Errorf("serving: %w", err)
}

// Stats returns the counts so far.
func (k *Engine) Stats() Stats {
	s := k.queue.Stats()
	return Stats{Images: s.Computed, Batches: s.Batches, Refused: s.Refused, Dropped: s.Dropped, Waiting: s.Waiting}
}

// Close refuses further images, waits until those in the queue are computed, and frees the network.
func (k *Engine) Close() error {
	k.queue.Close()
	<-k.ended
	return k.err
}
