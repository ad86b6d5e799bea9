package shards

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"depthwise.dev/data/internal/sys"
	"depthwise.dev/internal/redact"
)

// remoteShard is a shard at an address. It is read from the cache. It implements [data.RemoteContainer].
type remoteShard struct {
	cache   *cache
	address string
	size    int64
	version string
	touched atomic.Int64 // time of the last touch, in nanoseconds
}

// ReadAt waits until the cache has the bytes.
func (s *remoteShard) ReadAt(ctx context.Context, p []byte, offset int64) error {
	err := s.use(ctx, offset+int64(len(p)), func(f *os.File) error {
		_, err := f.ReadAt(p, offset)
		return err
	})
	return s.failure(ctx, err)
}

// Size returns the size of the shard.
func (s *remoteShard) Size() int64 { return s.size }

// CacheLimit returns the size of the cache.
func (s *remoteShard) CacheLimit() int64 { return s.cache.limit }

// Fetch downloads the whole shard into the cache.
func (s *remoteShard) Fetch(ctx context.Context) error {
	const named = 1 // beyond the last byte: until the shard has its name in the cache
	return s.failure(ctx, s.use(ctx, s.size+named, func(*os.File) error { return nil }))
}

// failure returns errors as errors of the machine, which end the run: no image is at fault.
func (s *remoteShard) failure(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || sys.IsSystemError(err) {
		return err
	}
	return &sys.StorageError{Path: redact.Address(s.address), Tries: 1, Err: redact.Error(err)}
}

// use calls read with the file of the shard when the bytes before end have arrived.
func (s *remoteShard) use(ctx context.Context, end int64, read func(*os.File) error) error {
	for ctx.Err() == nil {
		f, err := s.open()
		if err == nil {
			s.touch()
			err = read(f)
			f.Close()
			return err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		d, err := s.cache.begin(ctx, s)
		if err != nil {
			return err
		}
		if err := d.wait(ctx, end); err != nil {
			return err
		}
		if err := read(d.file); !errors.Is(err, fs.ErrClosed) { // closed: it is complete and renamed
			return err
		}
	}
	return context.Cause(ctx)
}

// open opens the shard in the cache. A file of another size was damaged there; it is removed.
func (s *remoteShard) open() (*os.File, error) {
	f, err := os.Open(s.cache.path(s))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() == s.size {
		return f, nil
	}
	f.Close() // opened for reading: the error carries no information
	if err == nil {
		s.cache.note(fmt.Sprintf("data: %s: its copy in the cache has %d bytes instead of %d: it is downloaded again", s.address, info.Size(), s.size))
		err = fs.ErrNotExist
	}
	if removed := os.Remove(s.cache.path(s)); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
		err = removed
	}
	return nil, err
}

// touch marks the shard as recently used, at most once a second.
func (s *remoteShard) touch() {
	const often = time.Second
	now := time.Now()
	if last := s.touched.Load(); now.UnixNano()-last > int64(often) && s.touched.CompareAndSwap(last, now.UnixNano()) {
		_ = os.Chtimes(s.cache.path(s), now, now) // it may have been evicted just now
	}
}

// remoteCache returns the cache for remote shards.
func (s Source) remoteCache() (*cache, error) {
	if s.Remote == nil || s.Cache == "" {
		return nil, fmt.Errorf("data: %s: this program has no remote storage or no cache folder", redact.Address(s.Path))
	}
	return newCache(filepath.Join(s.Cache, "shards"), s.CacheBytes, s.Remote), nil
}
