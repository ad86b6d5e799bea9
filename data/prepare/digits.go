package prepare

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"depthwise.dev/data/internal/progress"
	"depthwise.dev/internal/host"
)

// digits are gray images of one size with labels 0 to 9.
type digits struct {
	pixels        []byte
	labels        []byte
	width, height int
}

// write writes every image to dir/LABEL/NUMBER.png, in parallel.
func (d *digits) write(ctx context.Context, dir string, count *progress.Counter) error {
	for label := range 10 {
		if err := os.MkdirAll(filepath.Join(dir, fmt.Sprint(label)), 0o755); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range host.Processors() {
		wg.Go(func() {
			w := &digitWriter{digits: d, dir: dir}
			w.encoder = png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: w}
			for i := int(next.Add(1)) - 1; i < len(d.labels) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := w.write(i); err != nil {
					cancel(err)
					return
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// digitWriter is the encoder of one goroutine and its own png.EncoderBufferPool.
type digitWriter struct {
	*digits
	dir     string
	encoder png.Encoder
	memory  *png.EncoderBuffer
	out     bytes.Buffer
}

func (w *digitWriter) Get() *png.EncoderBuffer  { return w.memory }
func (w *digitWriter) Put(b *png.EncoderBuffer) { w.memory = b }

func (w *digitWriter) write(i int) error {
	label, n := w.labels[i], w.width*w.height
	if label > 9 {
		return fmt.Errorf("label %d of image %d is not a digit", label, i)
	}
	im := &image.Gray{Pix: w.pixels[i*n : (i+1)*n], Stride: w.width, Rect: image.Rect(0, 0, w.width, w.height)}
	w.out.Reset()
	if err := w.encoder.Encode(&w.out, im); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, fmt.Sprint(label), fmt.Sprintf("%05d.png", i)), w.out.Bytes(), 0o644)
}
