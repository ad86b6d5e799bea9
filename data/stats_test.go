package data

import (
	"context"
	"io"
	"os"
	"testing"
	"testing/synctest"
)

func TestStatsCountWhatWasRead(t *testing.T) {
	d := photos(t, 20, true)
	for _, workers := range []int{0, 2} {
		it := newLoader(t, d, training(workers)).Epoch(t.Context(), 0, 0)
		for {
			if _, err := it.Next(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		e := it.Stats()
		it.Close()
		var bytes, pixels int64
		r := openReader(t)
		for _, s := range d.Samples {
			if info, err := os.Stat(s.Path); err == nil {
				bytes += info.Size()
			}
			if r.Open(t.Context(), Sample{Path: s.Path}) == nil {
				pixels += int64(r.width) * int64(r.height)
			}
		}
		if e.Images != 20 || e.Bytes != bytes || e.Pixels != pixels {
			t.Errorf("%d workers: %+v, want 20 images of %d bytes and %d pixels", workers, e, bytes, pixels)
		}
		if e.Reading <= 0 || e.Decoding <= 0 || e.Waited != it.Waited() {
			t.Errorf("%d workers: %+v", workers, e)
		}
	}
}

// stuck is a shard whose reads end when they are let.
type stuck chan struct{}

func (s stuck) ReadAt(ctx context.Context, _ []byte, _ int64) error {
	select {
	case <-s:
		return os.ErrNotExist
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestSlowImageDelaysOnlyItsBatch: while it is read, the other workers make every other
// image that there is room for; when it is done, the batches come in order.
func TestSlowImageDelaysOnlyItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := photos(t, 40, false)
		slow := make(stuck)
		d.Samples[1].Part = Part{In: slow, Size: 1}
		o := training(2)
		o.Train = false
		it := newLoader(t, d, o).Epoch(t.Context(), 0, 0)
		defer it.Close()
		synctest.Wait()
		it.mu.Lock()
		missing := 0
		for _, s := range it.slots {
			missing += s.missing
		}
		if it.position() != 12 || missing != 1 { // a batch of 4 in use and 2 ahead
			t.Errorf("%d images were begun and %d are not done; want 12 and the slow one", it.position(), missing)
		}
		it.mu.Unlock()
		close(slow)
		for i := range 10 {
			b, err := it.Next()
			if err != nil || b.Index != i || (i == 0) != (b.N == 3) {
				t.Fatalf("batch %+v, %v", b, err)
			}
		}
	})
}

// TestCloseEndsAWaitForAShard, as the end of a run needs.
func TestCloseEndsAWaitForAShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails when a goroutine is left
		d := photos(t, 40, false)
		d.Samples[1].Part = Part{In: make(stuck), Size: 1}
		o := training(2)
		o.Train = false
		it := newLoader(t, d, o).Epoch(t.Context(), 0, 0)
		synctest.Wait()
		it.Close()
	})
}
