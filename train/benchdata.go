package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"depthwise.dev/data"
)

// LoaderSpeed is what BenchLoader measures.
type LoaderSpeed struct {
	ImagesPerSecond float64 `json:"loader_img_s"`
	Batch           int     `json:"batch"`
	Resolution      int     `json:"resolution"`
	Workers         int     `json:"workers"`
	ReadMS          float64 `json:"read_ms"`   // of an image, in the worker that reads it
	DecodeMS        float64 `json:"decode_ms"` // likewise: decode, resize, augment
	PeakRSSMB       int64   `json:"peak_rss_mb"`
}

// BenchLoader measures the training pipeline of the data: images from files to
// batches in memory, over as many epochs as it takes.
func BenchLoader(ctx context.Context, c Config, steps BenchSteps) (LoaderSpeed, error) {
	if err := c.validateBench(); err != nil {
		return LoaderSpeed{}, err
	}
	batches, err := openStream(ctx, c)
	if err != nil {
		return LoaderSpeed{}, err
	}
	defer batches.Close()
	for range steps.Warmup {
		if _, err := batches.next(); err != nil {
			return LoaderSpeed{}, err
		}
	}
	images, start := 0, time.Now()
	for range steps.Count {
		b, err := batches.next()
		if err != nil {
			return LoaderSpeed{}, err
		}
		images += b.N
	}
	took := time.Since(start).Seconds()
	spent := batches.spent()
	each := 1000 / float64(max(spent.Images, 1))
	return LoaderSpeed{
		ImagesPerSecond: float64(images) / took,
		ReadMS:          each * spent.Reading.Seconds(),
		DecodeMS:        each * spent.Decoding.Seconds(),
		Batch:           c.BatchSize,
		Resolution:      c.Model.Resolution,
		Workers:         c.LoaderOptions(true).Workers,
		PeakRSSMB:       peakRSS(),
	}, nil
}

// stream is whole training batches of one epoch after the other.
type stream struct {
	ctx     context.Context
	loader  *data.Loader
	epoch   int
	batches *data.Iterator
	before  data.LoaderStats // of the epochs that have ended
	classes int
	size    int // of a whole batch
}

// openStream opens the training images of c.Data.
func openStream(ctx context.Context, c Config) (*stream, error) {
	source, err := DataSource(ctx, c.Data)
	if err != nil {
		return nil, err
	}
	source.CacheBytes = int64(c.ShardCache) << 30
	dir := source.Path
	images, err := source.OpenTrain(ctx)
	if err != nil {
		return nil, fmt.Errorf("train: bench: %w", err)
	}
	if n := len(images.Samples); n < c.BatchSize {
		return nil, fmt.Errorf("train: bench: %s has %d images, less than a batch of %d: take a smaller --batch-size", dir, n, c.BatchSize)
	}
	loader, err := data.NewLoader(images, c.LoaderOptions(true))
	if err != nil {
		return nil, fmt.Errorf("train: bench: %w", err)
	}
	return &stream{ctx: ctx, loader: loader, batches: loader.Epoch(ctx, 0, 0), classes: len(images.Classes), size: c.BatchSize}, nil
}

// errNoWholeBatch is what a folder of broken images comes to.
var errNoWholeBatch = errors.New("train: bench: a whole epoch gave no full batch: too many images cannot be read")

// next is the next batch that is not the smaller last one of an epoch. It is
// valid until the next call.
func (s *stream) next() (*data.Batch, error) {
	for ends := 0; ends < 2; {
		b, err := s.batches.Next()
		switch {
		case errors.Is(err, io.EOF):
			ends++
			s.before = s.spent()
			s.epoch++
			if err := s.batches.Close(); err != nil {
				return nil, err
			}
			s.batches = s.loader.Epoch(s.ctx, s.epoch, 0)
		case err != nil:
			return nil, fmt.Errorf("train: bench: %w", err)
		case b.N == s.size:
			return b, nil
		}
	}
	return nil, errNoWholeBatch
}

// spent adds up what the loader has spent in all epochs.
func (s *stream) spent() data.LoaderStats {
	e := s.batches.Stats()
	e.Reading += s.before.Reading
	e.Decoding += s.before.Decoding
	e.Images += s.before.Images
	return e
}

func (s *stream) Close() error { return s.batches.Close() }
