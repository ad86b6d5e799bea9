package shards

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"depthwise.dev/data/internal/sys"
	"depthwise.dev/internal/redact"
)

// remoteWaits are the pauses between attempts without progress: they cover the restart of a server or a
// network failure of about a minute.
var remoteWaits = []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second}

const (
	// patience bounds the time without progress where attempts themselves take long, such as those to a
	// server that does not answer.
	patience = 2 * time.Minute
	// maxRetryAfter bounds the wait that a busy server asks for.
	maxRetryAfter = time.Minute
)

// retry repeats an operation until it succeeds, with increasing pauses. An attempt that reports progress
// resets them. The error is a [sys.StorageError], ctx's error, or one that a retry cannot fix.
func (c *cache) retry(ctx context.Context, address string, attempt func(context.Context) (progress bool, err error)) error {
	var disk *diskError
	since := time.Now()
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
			failed, since = 0, time.Now()
		}
		if failed == len(c.waits) || failed > 0 && time.Since(since) > c.patience {
			return &sys.StorageError{Path: redact.Address(address), Tries: failed + 1, Err: err}
		}
		wait := max(c.waits[failed], min(retryAfter(err), maxRetryAfter))
		failed++
		if !progress {
			c.note(fmt.Sprintf("%v; attempt %d of at most %d in %v", atAddress(address, err), failed+1, len(c.waits)+1, wait))
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// retryAfter returns the time that a server asks to wait; 0: none.
func retryAfter(err error) time.Duration {
	var busy interface{ RetryAfter() time.Duration }
	if errors.As(err, &busy) {
		return busy.RetryAfter()
	}
	return 0
}

// note shows a message to the user if the remote can.
func (c *cache) note(text string) {
	if n, ok := c.remote.(interface{ Note(text string) }); ok {
		n.Note(redact.Text(text))
	}
}

// diskError is an error of the disk that holds the cache.
type diskError struct{ error }

func (e *diskError) Unwrap() error { return e.error }

// isPermanent reports whether a retry cannot fix an error.
func isPermanent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, errChanged)
}

// isAbsent reports whether an error says that an object does not exist. Some servers answer 401 or 403 for
// a missing object.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) && !errors.Is(err, ErrRefused)
}

// errChanged says that an object is not the one that was indexed.
var errChanged = errors.New("the shard has changed since it was indexed, or while it was read; start again")

// Largest sizes of the files beside shards. The index of 14 million images takes 110 MB.
const (
	maxIndexFile  = 512 << 20
	maxShardsFile = 64 << 20
)

// tooLarge is the error for an object of more bytes than the most that are read. A retry cannot fix it.
type tooLarge struct{ size, most int64 }

func (e tooLarge) Error() string {
	return fmt.Sprintf("refused: the file has %d bytes, and at most %d are read", e.size, e.most)
}

func (e tooLarge) Unwrap() []error { return []error{ErrRefused, fs.ErrPermission} }

// fetch downloads an object of at most a number of bytes into memory.
func (c *cache) fetch(ctx context.Context, address string, most int64) (content []byte, err error) {
	err = c.retry(ctx, address, func(ctx context.Context) (bool, error) {
		body, object, err := c.remote.Open(ctx, address, 0)
		if err != nil {
			return false, err
		}
		defer body.Close()
		if object.Size > most {
			return false, tooLarge{object.Size, most}
		}
		content, err = io.ReadAll(io.LimitReader(body, object.Size))
		if err == nil && int64(len(content)) < object.Size {
			err = io.ErrUnexpectedEOF
		}
		return false, err
	})
	return content, err
}
