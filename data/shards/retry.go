package shards

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"depthwise.dev/data/internal/sys"
)

// remoteWaits are the pauses between attempts without progress: they cover the restart of a server or a
// network failure of about a minute.
var remoteWaits = []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second}

// retry repeats an operation until it succeeds, with increasing pauses. An attempt that reports progress
// resets them. The error is a [sys.StorageError], ctx's error, or one that a retry cannot fix.
func (c *cache) retry(ctx context.Context, address string, attempt func(context.Context) (progress bool, err error)) error {
	var disk *diskError
	for failed := 0; ; {
		progress, err := attempt(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case isPermanent(err):
			return err
		case errors.As(err, &disk):
			return &sys.StorageError{Path: c.dir, Tries: 1, Err: err}
		}
		if progress {
			failed = 0
		}
		if failed == len(c.waits) {
			return &sys.StorageError{Path: address, Tries: failed + 1, Err: err}
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

// isPermanent reports whether a retry cannot fix an error.
func isPermanent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, errChanged)
}

// errChanged says that an object is not the one that was indexed.
var errChanged = errors.New("the shard has changed since it was indexed, or while it was read; start again")

// maxBeside bounds the size of the files beside shards.
const maxBeside = 1 << 30

// fetch downloads a small object into memory.
func (c *cache) fetch(ctx context.Context, address string) (content []byte, err error) {
	err = c.retry(ctx, address, func(ctx context.Context) (bool, error) {
		body, object, err := c.remote.Open(ctx, address, 0)
		if err != nil {
			return false, err
		}
		defer body.Close()
		if object.Size > maxBeside {
			return false, fmt.Errorf("%w: the file is too large: %d bytes", fs.ErrPermission, object.Size)
		}
		content, err = io.ReadAll(io.LimitReader(body, maxBeside))
		if err == nil && int64(len(content)) < object.Size {
			err = io.ErrUnexpectedEOF
		}
		return false, err
	})
	return content, err
}
