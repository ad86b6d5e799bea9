package check

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/sys"
	"depthwise.dev/internal/host"
)

// DefaultUnreadableLimit is the fraction of unreadable images above which a data set is refused: a few
// bad files in a million are common, one in a hundred is an incomplete download.
const DefaultUnreadableLimit = 0.01

// Verify reads the file of every image and checks its header and, for JPEG, its end, in several
// goroutines (0 workers: one per processor). It returns the unreadable ones in the order of the data
// set, and counts the EXIF orientations. It does not decode, so it does not find damaged pixel data. It returns
// ctx's error or a [data.StorageError].
func Verify(ctx context.Context, ds *data.Dataset, workers int) ([]data.Problem, Orientations, error) {
	failures, oriented := make([]error, ds.Len()), make([]bool, ds.Len())
	err := eachFile(ctx, ds.Len(), workers, func(ctx context.Context, r *data.ImageReader, i int) error {
		failures[i] = r.Check(ctx, ds.Samples[i])
		oriented[i] = failures[i] == nil && r.StoredOrientation() != 1
		return failures[i]
	})
	if err != nil {
		return nil, Orientations{}, err
	}
	var problems []data.Problem
	for i, err := range failures {
		if err != nil {
			problems = append(problems, data.Problem{Path: ds.Samples[i].Path, Reason: sys.Reason(err)})
		}
	}
	return problems, countOriented(oriented, ds.Len()), nil
}

// eachFile calls do for 0..n-1 in several goroutines that each have a reader (0 workers: one per processor). An error
// of the machine ends it.
func eachFile(ctx context.Context, n, workers int, do func(ctx context.Context, r *data.ImageReader, i int) error) error {
	if workers < 1 {
		workers = host.Processors()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			r, err := data.NewImageReader()
			if err != nil {
				cancel(err)
				return
			}
			defer r.Close()
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(ctx, r, i); sys.IsSystemError(err) {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// UnreadableError says that too many images are unreadable.
type UnreadableError struct {
	Problems []data.Problem // the unreadable images
	Images   int            // all images
	Limit    float64        // the allowed fraction
}

// Error names the images that cannot be read.
func (e *UnreadableError) Error() string {
	text := fmt.Sprintf("data: %d of %d images cannot be read, more than the limit of %.3g %%: ", len(e.Problems), e.Images, 100*e.Limit)
	const most = 5
	for i, p := range e.Problems[:min(most, len(e.Problems))] {
		if i > 0 {
			text += "; "
		}
		text += p.String()
	}
	if len(e.Problems) > most {
		text += fmt.Sprintf("; and %d more", len(e.Problems)-most)
	}
	return text + "; repair or remove them"
}

// Unreadable returns an [UnreadableError] if problems are more than the fraction limit of images. A
// single problem is allowed unless limit is 0.
func Unreadable(problems []data.Problem, images int, limit float64) error {
	allowed := limit * float64(images)
	if limit > 0 {
		allowed = max(allowed, 1)
	}
	if float64(len(problems)) <= allowed {
		return nil
	}
	return &UnreadableError{Problems: problems, Images: images, Limit: limit}
}
