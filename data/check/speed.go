package check

import (
	"context"
	"errors"
	"io"
	"time"

	"depthwise.dev/data"
)

// measureLoading returns the images per second of the loader, measured for a given time or over one
// epoch, whichever is shorter.
func measureLoading(ctx context.Context, set *data.Dataset, o data.LoaderOptions, atMost time.Duration) (float64, error) {
	l, err := data.NewLoader(set, o)
	if err != nil {
		return 0, err
	}
	it := l.Epoch(ctx, 0, 0)
	defer it.Close()
	start, images := time.Now(), 0
	for time.Since(start) < atMost {
		b, err := it.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		images += b.N + len(b.Skipped)
	}
	return float64(images) / time.Since(start).Seconds(), nil
}
