package shards

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// idle is the time without data after which a connection is closed.
const idle = time.Minute

// download is the transfer of a shard into the cache. What has arrived can be read while the transfer
// continues.
type download struct {
	address string
	size    int64
	file    *os.File // reserved in the cache, with the final size

	mu      sync.Mutex
	more    sync.Cond
	written int64
	ended   bool
	err     error
	version string
}

func newDownload(address string, size int64, version string, file *os.File) *download {
	d := &download{address: address, size: size, version: version, file: file}
	d.more.L = &d.mu
	return d
}

// wait returns when the bytes before end have arrived.
func (d *download) wait(ctx context.Context, end int64) error {
	stop := context.AfterFunc(ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.more.Broadcast()
	})
	defer stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.written < end && !d.ended && ctx.Err() == nil {
		d.more.Wait()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return d.err
}

// end wakes all waiters: no more data will arrive.
func (d *download) end(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended, d.err = true, err
	d.more.Broadcast()
}

// once continues the transfer until the end of the shard or of the connection.
func (d *download) once(ctx context.Context, remote Remote) (progress bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(idle, func() { cancel(fmt.Errorf("the server sent nothing for %v", idle)) })
	defer watch.Stop()
	from := d.written
	body, object, err := remote.Open(ctx, d.address, from)
	if err != nil {
		return false, causeOr(ctx, err)
	}
	defer body.Close()
	if err := d.same(object); err != nil {
		return false, err
	}
	buffer := make([]byte, 256<<10)
	for d.written < d.size {
		n, err := body.Read(buffer[:min(int64(len(buffer)), d.size-d.written)])
		if n > 0 {
			watch.Reset(idle)
			if _, err := d.file.WriteAt(buffer[:n], d.written); err != nil {
				return true, &diskError{err}
			}
			d.mu.Lock()
			d.written += int64(n)
			d.more.Broadcast()
			d.mu.Unlock()
		}
		if errors.Is(err, io.EOF) && d.written < d.size {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && d.written < d.size {
			return d.written > from, causeOr(ctx, err)
		}
	}
	return true, nil
}

// same returns an error for an object that is not the one that was indexed or begun.
func (d *download) same(object Object) error {
	if object.Size != d.size || d.version != "" && object.Version != "" && object.Version != d.version {
		return fmt.Errorf("%s: %w", d.address, errChanged)
	}
	d.version = object.Version
	return nil
}

// causeOr returns the cause of ctx if it has ended, and err otherwise.
func causeOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
