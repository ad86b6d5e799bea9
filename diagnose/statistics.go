package diagnose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"

	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/data/preview"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/redact"
	"depthwise.dev/internal/validate"
)

// StatisticsConfig says what Statistics are computed from.
type StatisticsConfig struct {
	config.Config
	Images int    // number of images for mean and standard deviation, in whole batches
	Sheet  string // PNG file for a contact sheet of the first batch; "": none
}

// Statistics describe the training images as the network sees them, augmented as configured, before
// normalization.
type Statistics struct {
	Images  int            `json:"images"`
	Classes int            `json:"classes"`
	Mean    [3]float64     `json:"mean"` // of R, G and B, from 0 to 1
	Std     [3]float64     `json:"std"`
	Sheet   string         `json:"sheet,omitempty"`
	Shown   int            `json:"shown,omitempty"` // number of images on the sheet
	Skipped []data.Problem `json:"skipped,omitempty"`
}

// DataStatistics computes mean and standard deviation of the first images of a training epoch and
// draws its first batch.
func DataStatistics(ctx context.Context, c StatisticsConfig) (Statistics, error) {
	var v validate.Collector
	v.Check(c.Images >= 1, "images", c.Images, "must be at least 1")
	if err := v.Err(); err != nil {
		return Statistics{}, err
	}
	if err := c.ValidateBatch(1, ""); err != nil {
		return Statistics{}, err
	}
	source, err := c.Source(ctx)
	if err != nil {
		return Statistics{}, err
	}
	images, err := source.OpenTrain(ctx)
	if err != nil {
		return Statistics{}, err
	}
	options, err := c.TrainOptions(ctx)(images)
	if err != nil {
		return Statistics{}, err
	}
	loader, err := data.NewLoader(images, options)
	if err != nil {
		return Statistics{}, err
	}
	batches := loader.Epoch(ctx, 0, 0)
	defer batches.Close()
	stats := Statistics{Classes: len(images.Classes), Sheet: c.Sheet}
	var moments preview.PixelStats
	for stats.Images < c.Images {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return stats, fmt.Errorf("diagnose: data statistics: %w", err)
		}
		if stats.Images == 0 && b.N > 0 && c.Sheet != "" {
			stats.Shown = b.N
			if err := writeSheet(c.Sheet, b, images.Classes); err != nil {
				return stats, err
			}
		}
		stats.Images += b.N
		stats.Skipped = append(stats.Skipped, b.Skipped...)
		moments.Add(b)
	}
	if stats.Images == 0 {
		first := stats.Skipped[0]
		return stats, fmt.Errorf("diagnose: data statistics: none of the first %d images of %s can be read, such as %s: %s",
			len(stats.Skipped), redact.Address(c.Data), first.Path, first.Reason)
	}
	stats.Mean, stats.Std = moments.MeanStd()
	return stats, nil
}

// writeSheet writes a contact sheet of a batch as PNG.
func writeSheet(path string, b *data.Batch, classes []string) error {
	var file bytes.Buffer
	if err := png.Encode(&file, preview.Sheet(b, classes)); err != nil {
		return fmt.Errorf("diagnose: data statistics: %w", err)
	}
	if err := atomicfile.WriteFile(path, 0o644, file.Bytes()); err != nil {
		return fmt.Errorf("diagnose: data statistics: write %s: %w", path, err)
	}
	return nil
}
