package shards

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"depthwise.dev/internal/redact"
)

// What a connection must bring to count as progress, so that a server that sends a little and breaks off is
// given up: a part of the shard, and the rate that package data/remote requires of a connection.
const (
	leastBytes = 64 << 10 // or 1 % of a small shard
	leastRate  = 4 << 10  // bytes a second
)

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
	from, began := d.written, time.Now()
	body, object, err := remote.Open(ctx, d.address, from)
	if err != nil {
		return false, err
	}
	defer body.Close()
	if err := d.same(object); err != nil {
		return false, err
	}
	buffer := make([]byte, 256<<10)
	for d.written < d.size {
		n, err := body.Read(buffer[:min(int64(len(buffer)), d.size-d.written)])
		if n > 0 {
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
			return d.progressed(d.written-from, time.Since(began)), err
		}
	}
	return true, nil
}

// progressed reports whether the bytes of a connection are progress.
func (d *download) progressed(bytes int64, took time.Duration) bool {
	return bytes >= min(leastBytes, max(d.size/100, 1)) && float64(bytes) >= leastRate*took.Seconds()
}

// same returns an error for an object that is not the one that was indexed or begun. A later part must have
// the version of the first.
func (d *download) same(object Object) error {
	missing := object.Version == "" && d.written == 0
	if object.Size != d.size || d.version != "" && object.Version != d.version && !missing {
		return fmt.Errorf("%s: %w", redact.Address(d.address), errChanged)
	}
	if d.version == "" {
		d.version = object.Version
	}
	return nil
}
