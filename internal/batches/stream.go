package batches

import (
	"context"
	"errors"
	"fmt"
	"io"

	"depthwise.dev/data"
	"depthwise.dev/data/datasets"
	"depthwise.dev/internal/redact"
)

// Stream is an endless sequence of whole training batches, one epoch after the other.
type Stream struct {
	// Classes is the number of classes of the data set.
	Classes int
	// MultiLabel: the batches have targets in place of labels.
	MultiLabel bool

	ctx     context.Context
	loader  *data.Loader
	epoch   int
	batches *data.Iterator
	before  data.LoaderStats // of the epochs that have ended
	size    int              // of a whole batch
}

// Open opens the training images of a source with the options for them. A data set smaller than one batch is an error.
func Open(ctx context.Context, source datasets.Source, optionsFor func(*data.Dataset) (data.LoaderOptions, error)) (*Stream, error) {
	images, err := source.OpenTrain(ctx)
	if err != nil {
		return nil, err
	}
	options, err := optionsFor(images)
	if err != nil {
		return nil, err
	}
	if n := len(images.Samples); n < options.BatchSize {
		return nil, fmt.Errorf("%s has %d images, less than a batch of %d: take a smaller --batch-size", redact.Address(source.Path), n, options.BatchSize)
	}
	loader, err := data.NewLoader(images, options)
	if err != nil {
		return nil, err
	}
	return &Stream{Classes: len(images.Classes), MultiLabel: images.MultiLabel, ctx: ctx, loader: loader, batches: loader.Epoch(ctx, 0, 0), size: options.BatchSize}, nil
}

// errNoWholeBatch is returned when most images cannot be read.
var errNoWholeBatch = errors.New("a whole epoch gave no full batch: too many images cannot be read")

// Next returns the next batch, leaving out smaller ones. It is valid until the next call.
func (s *Stream) Next() (*data.Batch, error) {
	for ends := 0; ends < 2; {
		b, err := s.batches.Next()
		switch {
		case errors.Is(err, io.EOF):
			ends++
			s.before = s.Spent()
			s.epoch++
			if err := s.batches.Close(); err != nil {
				return nil, err
			}
			s.batches = s.loader.Epoch(s.ctx, s.epoch, 0)
		case err != nil:
			return nil, err
		case b.N == s.size:
			return b, nil
		}
	}
	return nil, errNoWholeBatch
}

// Spent sums what the loader has spent in all epochs.
func (s *Stream) Spent() data.LoaderStats {
	e := s.batches.Stats()
	e.Reading += s.before.Reading
	e.Decoding += s.before.Decoding
	e.Images += s.before.Images
	return e
}

// Close ends the loader's workers.
func (s *Stream) Close() error { return s.batches.Close() }
