package data

import (
	"context"
	"errors"
	"io"
	"time"
)

// measureLoading returns the images a second that the loader makes of set, measured for
// a while or over an epoch, whichever is shorter.
func measureLoading(ctx context.Context, set *Dataset, o LoaderOptions, atMost time.Duration) (float64, error) {
	l, err := NewLoader(set, o)
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
