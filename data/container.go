package data

import (
	"context"
	"fmt"
	"os"
	"slices"

	"depthwise.dev/data/internal/sys"
)

// Container is a file that holds the bytes of several samples, such as a tar file. Package shards
// implements it. Containers are compared with ==, so each is one pointer or one string.
type Container interface {
	// ReadAt fills p with the bytes at offset. It returns ctx's error when ctx ends before a remote
	// container has them.
	ReadAt(ctx context.Context, p []byte, offset int64) error
}

// RemoteContainer is a container that is downloaded into a local cache before it is read.
type RemoteContainer interface {
	Container
	Fetch(ctx context.Context) error // downloads the whole container if the cache lacks it
	Size() int64                     // bytes
	CacheLimit() int64               // bytes that the cache holds, shared with the other containers
}

// UnsizedContainer holds one sample whose size is not known before it is read, such as an image at an address. Its
// parts have neither offset nor size.
type UnsizedContainer interface {
	Container
	ReadAll(ctx context.Context) ([]byte, error) // at most MaxFileSize bytes, which the caller does not change
}

// Part is the place of a sample's bytes in a container.
type Part struct {
	In           Container // nil: the sample is a file
	Offset, Size int64
}

// read reads the part into buffer, which it grows, or returns other memory.
func (p Part) read(ctx context.Context, buffer []byte) ([]byte, error) {
	if u, ok := p.In.(UnsizedContainer); ok {
		return u.ReadAll(ctx)
	}
	if p.Size > sys.MaxFileSize {
		return buffer, fmt.Errorf("the file is too large: more than %d MB", sys.MaxFileSize>>20)
	}
	buffer = slices.Grow(buffer[:0], int(p.Size))[:p.Size]
	return buffer, p.In.ReadAt(ctx, buffer, p.Offset)
}

// ReadSample returns the bytes of a sample's file.
func (d *Dataset) ReadSample(ctx context.Context, sample int) ([]byte, error) {
	s := d.Samples[sample]
	if s.Part.In != nil {
		b, err := s.Part.read(ctx, nil)
		if err != nil {
			err = fmt.Errorf("data: %s: %s", s.Path, sys.Reason(err))
		}
		return b, err
	}
	b, err := os.ReadFile(s.Path)
	if err != nil {
		err = fmt.Errorf("data: %w", err)
	}
	return b, err
}
