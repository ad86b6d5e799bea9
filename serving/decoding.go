package serving

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"depthwise.dev/data"
	"depthwise.dev/internal/batching"
	"depthwise.dev/internal/host"
	"depthwise.dev/internal/validate"
)

// The limits of a server for images of strangers.
const (
	defaultMaxPixels   = 25_000_000 // a camera's 24 megapixels
	defaultMaxFileSize = 32 << 20
	maxDecoders        = 8 // by default: 2.4 GB at most
)

// decodeFunc decodes an image with one of the decoders.
type decodeFunc = func(context.Context, *data.Decoder) ([]uint8, error)

// decoding decodes images of many goroutines on a bounded number of decoders, which bounds its memory.
type decoding struct {
	pool    *batching.Pool[*data.Decoder, []uint8]
	maxFile int64
}

// DecodeMemory is the most memory that decoding takes, in bytes: Decoders * MaxPixels * 12.
func (c Config) DecodeMemory() int64 {
	return int64(c.decoders()) * int64(cmp.Or(c.MaxPixels, defaultMaxPixels)) * 12
}

func (c Config) decoders() int { return cmp.Or(c.Decoders, min(host.Workers(), maxDecoders)) }

// newDecoding creates the configured decoders.
func newDecoding(c Config, p data.Preprocess) (*decoding, error) {
	var v validate.Collector
	v.Check(c.Decoders >= 0 && c.Decoders <= data.MaxWorkers, "Decoders", c.Decoders, fmt.Sprintf("must be in 0..%d", data.MaxWorkers))
	v.Check(c.QueueLength >= 0, "QueueLength", c.QueueLength, "must not be negative")
	v.Check(c.MaxFileSize >= 0 && c.MaxFileSize <= data.MaxFileSize, "MaxFileSize", c.MaxFileSize, fmt.Sprintf("must be in 0..%d", data.MaxFileSize))
	if err := v.Err(); err != nil {
		return nil, err
	}
	d := &decoding{maxFile: cmp.Or(c.MaxFileSize, defaultMaxFileSize)}
	o := data.DecoderOptions{Preprocess: p, MaxPixels: cmp.Or(c.MaxPixels, defaultMaxPixels), MaxBytes: d.maxFile, Decode: c.Decode}
	decoders := make([]*data.Decoder, c.decoders())
	for i := range decoders {
		var err error
		if decoders[i], err = data.NewDecoder(o); err != nil {
			for _, other := range decoders[:i] {
				other.Close()
			}
			return nil, err
		}
	}
	d.pool = batching.NewPool[*data.Decoder, []uint8](decoders, cmp.Or(c.QueueLength, defaultQueueLength))
	return d, nil
}

// close waits for running decodes and frees the decoders.
func (d *decoding) close() { d.pool.Close((*data.Decoder).Close) }

// read reads a file of at most the largest size. It checks ctx before each Read.
func (d *decoding) read(ctx context.Context, image io.Reader) ([]byte, error) {
	file, err := io.ReadAll(io.LimitReader(contextReader{ctx, image}, d.maxFile+1))
	if err == nil && int64(len(file)) > d.maxFile {
		return nil, fmt.Errorf("%w: the file has more than %d bytes", ErrTooLarge, d.maxFile)
	}
	return file, err
}

// imageError wraps an error as ErrImage and keeps its text.
type imageError struct{ error }

func (e imageError) Unwrap() []error { return []error{ErrImage, e.error} }

// err returns an error of the pool for the caller. Those of decoding name their package.
func (d *decoding) err(ctx context.Context, err error) error {
	_, panicked := errors.AsType[*batching.PanicError](err)
	if panicked || errors.Is(err, ErrQueueFull) || errors.Is(err, ErrClosed) || err == ctx.Err() {
		return servingError(ctx, err)
	}
	_, system := errors.AsType[syscall.Errno](err) // such as too many open files: not the image's fault
	if system || errors.Is(err, ErrTooLarge) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return imageError{err}
}

// contextReader is a reader that returns ctx's error once ctx has ended.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
