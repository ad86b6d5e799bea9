package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"

	"depthwise.dev/data"
	"depthwise.dev/data/preview"
)

// DataStatsConfig says what of the training images is looked at.
type DataStatsConfig struct {
	Config
	Images int    // that mean and deviation are taken of, in whole batches
	Sheet  string // a PNG file for the first batch; "" for none
}

// DataStats is what the network would see of the training images, augmented as
// configured, before they are normalized.
type DataStats struct {
	Images  int            `json:"images"`
	Classes int            `json:"classes"`
	Mean    [3]float64     `json:"mean"` // of R, G and B from 0 to 1
	Std     [3]float64     `json:"std"`
	Sheet   string         `json:"sheet,omitempty"`
	Shown   int            `json:"shown,omitempty"` // images on the sheet's batch
	Skipped []data.Problem `json:"skipped,omitempty"`
}

// LookAtData takes mean and standard deviation over the first images of a training
// epoch and draws its first batch.
func LookAtData(ctx context.Context, c DataStatsConfig) (DataStats, error) {
	var v validator
	v.check(c.Images >= 1, "images", c.Images, "must be at least 1")
	if err := v.orNil(); err != nil {
		return DataStats{}, err
	}
	if err := c.validateBench(); err != nil {
		return DataStats{}, err
	}
	source, err := DataSource(ctx, c.Data)
	if err != nil {
		return DataStats{}, err
	}
	images, err := source.OpenTrain(ctx)
	if err != nil {
		return DataStats{}, err
	}
	loader, err := data.NewLoader(images, c.LoaderOptions(true))
	if err != nil {
		return DataStats{}, err
	}
	batches := loader.Epoch(ctx, 0, 0)
	defer batches.Close()
	stats := DataStats{Classes: len(images.Classes), Sheet: c.Sheet}
	var moments preview.PixelStats
	for stats.Images < c.Images {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return stats, fmt.Errorf("train: data stats: %w", err)
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
		return stats, fmt.Errorf("train: data stats: none of the %d images of %s that were tried can be read, such as %s: %s", len(stats.Skipped), c.Data, stats.Skipped[0].Path, stats.Skipped[0].Reason)
	}
	stats.Mean, stats.Std = moments.MeanStd()
	return stats, nil
}

// writeSheet draws a batch to a PNG file.
func writeSheet(path string, b *data.Batch, classes []string) error {
	var file bytes.Buffer
	if err := png.Encode(&file, preview.Sheet(b, classes)); err != nil {
		return fmt.Errorf("train: data stats: %w", err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		return fmt.Errorf("train: data stats: %w", err)
	}
	return nil
}
