package data

import (
	"context"
	"errors"
	"time"
)

// remoteWaits are the pauses between tries that bring nothing: a server that is started
// again, or a network that is gone for a minute, is waited for.
var remoteWaits = []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second}

// persist calls try until it succeeds, waiting longer each time. Progress, which try
// reports, starts the waits from the beginning. What remains is a [StorageError], ctx's
// error, or one that trying again cannot mend.
func (c *shardCache) persist(ctx context.Context, address string, try func(context.Context) (progress bool, err error)) error {
	var disk *diskError
	for failed := 0; ; {
		progress, err := try(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case isPermanent(err):
			return err
		case errors.As(err, &disk):
			return &StorageError{Path: c.dir, Tries: 1, Err: err}
		}
		if progress {
			failed = 0
		}
		if failed == len(c.waits) {
			return &StorageError{Path: address, Tries: failed + 1, Err: err}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(c.waits[failed]):
		}
		failed++
	}
}

// diskError is an error of the disk that holds the cache.
type diskError struct{ error }

func (e *diskError) Unwrap() error { return e.error }
