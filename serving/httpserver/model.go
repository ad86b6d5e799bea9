package httpserver

import (
	"context"
	"errors"
)

// Model computes images for many goroutines. Each image is the content of a file, of any format and of any quality; it must
// not be kept. Errors are those below in the chain, those of ctx, or defects of the model, which are status 500.
type Model interface {
	// Describe returns facts about the weights. They do not change.
	Describe() Description
	// Classify returns the most probable classes, at most top of them, the first one first.
	Classify(ctx context.Context, image []byte, top int) ([]Prediction, error)
	// Embed returns the features of an image, Description.Features of them.
	Embed(ctx context.Context, image []byte) ([]float32, error)
	// Stats returns the counts so far, also after Close.
	Stats() Stats
	// Close waits for the images that are computed, and frees the model. No other method is called later but Stats.
	Close() error
}

// Errors of a model.
var (
	// ErrImage is about a file that cannot be decoded: status 400.
	ErrImage = errors.New("the image cannot be read")
	// ErrTooLarge is about an image with too many pixels or bytes: status 413.
	ErrTooLarge = errors.New("the image is too large")
	// ErrOverloaded is about a full queue: status 503.
	ErrOverloaded = errors.New("the queue is full; retry later")
	// ErrNoFeatures is about a network without embeddings: status 400.
	ErrNoFeatures = errors.New("the network has no embeddings")
)

// Description says what a model is.
type Description struct {
	Network       string   // such as "mobilenet_v1 paper"
	Version       string   // changes with the weights: the first digits of a digest
	Classes       []string // in the order of their indices
	Height, Width int      // of the network's input, pixels
	Features      int      // values of an embedding; 0: there are none
}

// Prediction is a class and its probability.
type Prediction struct {
	Class       string  `json:"class"`
	Index       int     `json:"index"`
	Probability float64 `json:"probability"`
}

// Stats counts images computed and their batches, images refused because a queue was full, images dropped because their
// request ended, images that wait, and images that are decoded.
type Stats struct {
	Images, Batches, Refused, Dropped int64
	Waiting, Decoding                 int
}

func (s *Stats) add(o Stats) {
	s.Images += o.Images
	s.Batches += o.Batches
	s.Refused += o.Refused
	s.Dropped += o.Dropped
	s.Waiting += o.Waiting
	s.Decoding += o.Decoding
}

// Source opens a model, again after its weights have changed.
type Source struct {
	// Name of the model in requests: letters, digits, ".", "_" and "-".
	Name string
	// Open opens the weights as they are now. The model calls onBatch after each batch, with its number of images.
	Open func(onBatch func(images int)) (Model, error)
	// State identifies the weights as they are now at little cost, such as by the time of the file. A model whose state
	// has changed is opened again. nil: the weights do not change by themselves.
	State func() (string, error)
}
