package mobilenet

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/internal/batching"
)

// Errors of a [Classifier].
var (
	// ErrQueueFull is returned at once when as many requests wait as may: a server answers 503. Who would rather wait keeps
	// no more than QueueLength requests under way.
	ErrQueueFull = batching.ErrFull
	// ErrClassifierClosed is returned after Close.
	ErrClassifierClosed = batching.ErrClosed
)

// ClassifierConfig says what classifies, and how.
type ClassifierConfig struct {
	// Network builds the network, in a scope that lasts as long as the classifier. It is called once.
	Network func(*autograd.Scope) (*Network, error)
	// Mean and Std of the training's pixels, from 0 to 1, by color. Std must not be zero.
	Mean, Std [3]float64
	// Precision that convolutions compute in; "": fp32.
	Precision autograd.Precision
	// Threads that compute a batch; 0: as many as libtorch takes.
	Threads int
	// MaxBatch is how many images are computed at once, at most; 0: 32.
	MaxBatch int
	// MaxWait is how long an image waits for others to fill its batch. 0: not at all, so that an idle server answers as fast
	// as it can; under load, those that come while a batch is computed make the next one.
	MaxWait time.Duration
	// QueueLength is how many images may wait; 0: 256.
	QueueLength int
}

// ClassifierStats is what a classifier has done so far: images computed and in how many batches, images refused because
// the queue was full, images dropped because their context ended while they waited, and images that wait now.
type ClassifierStats struct {
	Images, Batches, Refused, Dropped int64
	Waiting                           int
}

// A Classifier computes a network's logits for many goroutines: images that arrive together are computed together, by one
// goroutine that the network belongs to. All methods may be called by any goroutine at any time.
type Classifier struct {
	// Model is the network's configuration.
	Model Config

	queue *batching.Queue[[]uint8, []float32]
	ended chan struct{} // closed when nothing computes any more
	err   error         // with what it ended; read it after ended
}

// NewClassifier builds the network and starts to wait for images. Close it in the end.
func NewClassifier(c ClassifierConfig) (*Classifier, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	k := &Classifier{ended: make(chan struct{}), queue: batching.New[[]uint8, []float32](batching.Settings{
		Batch: cmp.Or(c.MaxBatch, 32), Wait: c.MaxWait, Length: cmp.Or(c.QueueLength, 256)})}
	ready := make(chan error, 1)
	go func() {
		defer close(k.ended)
		k.err = autograd.Run(context.Background(), func(s *autograd.Scope) error {
			b, err := newBatchForward(s, c)
			if err != nil {
				ready <- err
				return err
			}
			k.Model = b.network.Config
			ready <- nil
			k.queue.Serve(b.compute)
			return nil
		})
	}()
	if err := <-ready; err != nil {
		<-k.ended
		return nil, fmt.Errorf("mobilenet: classifier: %w", err)
	}
	return k, nil
}

// validate names every wrong field.
func (c ClassifierConfig) validate() error {
	var errs []error
	if c.Network == nil {
		errs = append(errs, errors.New("mobilenet: classifier: Network is nil"))
	}
	for _, n := range []struct {
		name     string
		value    any
		negative bool
	}{{"Threads", c.Threads, c.Threads < 0}, {"MaxBatch", c.MaxBatch, c.MaxBatch < 0}, {"MaxWait", c.MaxWait, c.MaxWait < 0},
		{"QueueLength", c.QueueLength, c.QueueLength < 0}} {
		if n.negative {
			errs = append(errs, fmt.Errorf("mobilenet: classifier: %s is %v; must not be negative", n.name, n.value))
		}
	}
	for _, v := range c.Std {
		if v == 0 {
			errs = append(errs, fmt.Errorf("mobilenet: classifier: Std is %v; must not be zero", c.Std))
			break
		}
	}
	return errors.Join(errs...)
}

// Classify returns the logits of one image, a value for each class; [Softmax] makes probabilities of them. The pixels are
// Resolution x Resolution, three bytes each (R, G, B), row by row, as data.LoadImage gives them; they are copied. It
// returns ctx's error when ctx ends first: an image that still waits then is never computed. What went wrong with a batch
// is the error of each of its images; a panic is an [autograd.PanicError].
func (k *Classifier) Classify(ctx context.Context, pixels []uint8) (logits []float32, err error) {
	if side := k.Model.Resolution; len(pixels) != 3*side*side {
		return nil, fmt.Errorf("mobilenet: classify: %d bytes of pixels; want 3 * %d * %d", len(pixels), side, side)
	}
	logits, err = k.queue.Do(ctx, bytes.Clone(pixels))
	if err == nil || err == ctx.Err() {
		return logits, err
	}
	if p, ok := errors.AsType[*batching.PanicError](err); ok {
		err = &autograd.PanicError{Value: p.Value, Stack: p.Stack}
	}
	return nil, fmt.Errorf("mobilenet: classify: %w", err)
}

// Stats returns what the classifier has done so far.
func (k *Classifier) Stats() ClassifierStats {
	s := k.queue.Stats()
	return ClassifierStats{Images: s.Computed, Batches: s.Batches, Refused: s.Refused, Dropped: s.Dropped, Waiting: s.Waiting}
}

// Close refuses images from now on, waits until those that are there are computed, and frees the network.
func (k *Classifier) Close() error {
	k.queue.Close()
	<-k.ended
	return k.err
}
