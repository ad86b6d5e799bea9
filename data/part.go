package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// shard is a tar file that holds samples.
type shard interface {
	// readAt fills p with what lies at offset. ctx ends the wait for a distant shard.
	readAt(ctx context.Context, p []byte, offset int64) error
}

// part is where a sample's bytes lie in a shard.
type part struct {
	in           shard
	offset, size int64
}

// read reads the part into memory, reusing buffer's.
func (p part) read(ctx context.Context, buffer []byte) ([]byte, error) {
	if p.size > maxFileSize {
		return buffer, fmt.Errorf("the file is too large: more than %d MB", maxFileSize>>20)
	}
	buffer = slices.Grow(buffer[:0], int(p.size))[:p.size]
	return buffer, p.in.readAt(ctx, buffer, p.offset)
}

// localShard is a shard on a disk: its path. It is opened for each read, which costs a
// hundredth of a decode, so that a data set holds no files open.
type localShard string

func (s localShard) readAt(_ context.Context, p []byte, offset int64) error {
	_, err := retried(string(s), func() (int, error) {
		f, err := os.Open(string(s))
		if err != nil {
			return 0, err
		}
		defer f.Close()
		return f.ReadAt(p, offset)
	})
	return plainShort(err)
}

// plainShort says what the end of a shard within a part means.
func plainShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the shard is shorter than it was when it was indexed")
	}
	return err
}

// ReadSample returns the bytes of a sample's file, wherever it lies.
func (d *Dataset) ReadSample(ctx context.Context, sample int) ([]byte, error) {
	s := d.Samples[sample]
	if s.part.in != nil {
		b, err := s.part.read(ctx, nil)
		if err != nil {
			err = fmt.Errorf("data: %s: %s", s.Path, reasonOf(err))
		}
		return b, err
	}
	b, err := os.ReadFile(s.Path)
	if err != nil {
		err = fmt.Errorf("data: %w", err)
	}
	return b, err
}
