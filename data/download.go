package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// idle is how long a server may send nothing before the connection is given up.
const idle = time.Minute

// download is a shard on its way into the cache. Its beginning can be read while the rest
// still comes.
type download struct {
	address string
	size    int64
	file    *os.File // reserved in the cache, of the whole size

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

// wait returns when the shard is there up to end.
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

// end tells everybody who waits that there is no more to come.
func (d *download) end(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended, d.err = true, err
	d.more.Broadcast()
}

// once reads from where the download is to the end of the shard or of the connection.
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

// same refuses an object that is not the one that was indexed or begun.
func (d *download) same(object Object) error {
	if object.Size != d.size || d.version != "" && object.Version != "" && object.Version != d.version {
		return fmt.Errorf("%s: %w", d.address, errChanged)
	}
	d.version = object.Version
	return nil
}

// causeOr is why ctx ended, if it did, and err otherwise.
func causeOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
