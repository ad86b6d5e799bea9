package bench

import (
	"context"
	"fmt"

	"depthwise.dev/config"
	"depthwise.dev/internal/batches"
	"depthwise.dev/internal/host"
)

// LoaderSpeed is the result of Loader.
type LoaderSpeed struct {
	ImagesPerSecond float64 `json:"loader_img_s"`
	Batch           int     `json:"batch"`
	Resolution      int     `json:"resolution"`
	Workers         int     `json:"workers"`
	ReadMS          float64 `json:"read_ms"`   // per image, in the worker that reads it
	DecodeMS        float64 `json:"decode_ms"` // per image: decode, resize, augment
	PeakRSSMB       int64   `json:"peak_rss_mb"`
	Timing                  // of a batch: the time until the next one is ready
}

// Loader measures the input pipeline of training: images from files to batches in memory, over as
// many epochs as it takes.
func Loader(ctx context.Context, c config.Config, steps Steps) (LoaderSpeed, error) {
	if err := c.ValidateBatch(1, ""); err != nil {
		return LoaderSpeed{}, err
	}
	stream, err := openStream(ctx, c)
	if err != nil {
		return LoaderSpeed{}, fmt.Errorf("bench: %w", err)
	}
	defer stream.Close()
	seen, images := 0, 0
	timing, err := steps.measure(func() error {
		b, err := stream.Next()
		if err != nil {
			return err
		}
		if seen++; seen > steps.Warmup {
			images += b.N
		}
		return nil
	})
	if err != nil {
		return LoaderSpeed{}, err
	}
	spent := stream.Spent()
	each := 1000 / float64(max(spent.Images, 1))
	return LoaderSpeed{
		ImagesPerSecond: 1000 * float64(images) / (timing.MeanMS * float64(timing.Measured)),
		ReadMS:          each * spent.Reading.Seconds(),
		DecodeMS:        each * spent.Decoding.Seconds(),
		Batch:           c.BatchSize,
		Resolution:      c.Model.Resolution,
		Workers:         c.LoaderOptions(true).Workers,
		PeakRSSMB:       host.PeakRSS(),
		Timing:          timing,
	}, nil
}

// openStream opens the training batches of c.Data.
func openStream(ctx context.Context, c config.Config) (*batches.Stream, error) {
	source, err := c.Source(ctx)
	if err != nil {
		return nil, err
	}
	return batches.Open(ctx, source, c.TrainOptions(ctx))
}
