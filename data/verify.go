package data

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// DefaultUnreadableLimit is the share of unreadable images above which a data set is
// not fit for training: a few bad files in a million are life, one in a hundred is a
// broken download.
const DefaultUnreadableLimit = 0.01

// Verify takes a quick look at every image, by several goroutines (0 workers: as many
// as processors): it reads the file, its header, and for JPEG its end. The unreadable
// ones are returned in the data set's order. Damage inside the compressed data shows
// only when an image is decoded. The error is ctx's, or says what keeps all from being read.
func Verify(ctx context.Context, ds *Dataset, workers int) ([]Problem, error) {
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	failures := make([]error, ds.Len())
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			r, err := newReader()
			if err != nil {
				cancel(err)
				return
			}
			defer r.close()
			for i := int(next.Add(1)) - 1; i < ds.Len() && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				failures[i] = r.check(ctx, ds.Samples[i])
				if isSystemError(failures[i]) {
					cancel(failures[i])
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var problems []Problem
	for i, err := range failures {
		if err != nil {
			problems = append(problems, Problem{ds.Samples[i].Path, reasonOf(err)})
		}
	}
	return problems, nil
}

// UnreadableError says that too many images cannot be read.
type UnreadableError struct {
	Problems []Problem // what cannot be read
	Images   int       // of how many
	Limit    float64   // the share that was allowed
}

func (e *UnreadableError) Error() string {
	text := fmt.Sprintf("data: %d of %d images cannot be read, more than the limit of %.3g %%: ", len(e.Problems), e.Images, 100*e.Limit)
	const most = 5
	for i, p := range e.Problems[:min(most, len(e.Problems))] {
		if i > 0 {
			text += "; "
		}
		text += p.Path + ": " + p.Reason
	}
	if len(e.Problems) > most {
		text += fmt.Sprintf("; and %d more", len(e.Problems)-most)
	}
	return text + "; mend or remove them"
}

// CheckUnreadable returns an [UnreadableError] when problems are more than the share
// limit of images. A single problem is always allowed unless limit is 0.
func CheckUnreadable(problems []Problem, images int, limit float64) error {
	allowed := limit * float64(images)
	if limit > 0 {
		allowed = max(allowed, 1)
	}
	if float64(len(problems)) <= allowed {
		return nil
	}
	return &UnreadableError{Problems: problems, Images: images, Limit: limit}
}
