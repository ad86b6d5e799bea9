package data

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"depthwise.dev/data/internal/random"
	"depthwise.dev/data/internal/sys"
)

// ErrClosed is returned by Next after Close.
var ErrClosed = errors.New("data: the iterator is closed")

// Iterator yields the batches of one epoch in order. Workers process single images, so that a slow image
// delays only its batch, and stay at most Prefetch batches ahead of the consumer. Next, Close and Waited
// must be called from one goroutine.
type Iterator struct {
	ctx     context.Context // ends with the caller's context and with Close
	end     context.CancelCauseFunc
	loader  *Loader
	epoch   int
	order   []int32 // sample of each position; nil: the position itself
	repeats []int32 // how often the sample of a position is at earlier ones; nil: never
	stop    func() bool
	workers sync.WaitGroup
	own     *ImageReader // of Next, without workers
	mixed   []uint8      // memory for mixing a batch
	waited  time.Duration

	mu       sync.Mutex
	work     sync.Cond // workers wait here for a free slot
	ready    sync.Cond // Next waits here for a full one
	slots    []*slot   // batch b uses slots[b%len(slots)]
	next     int       // the next position to decode
	batch    int       // the next batch of Next
	released int       // all batches below were released
	stats    LoaderStats
	err      error // the first error
}

// Next returns the next batch, io.EOF after the last, the context's error, or a [StorageError].
// Unreadable images are not an error: they are in Batch.Skipped.
func (it *Iterator) Next() (*Batch, error) {
	start := time.Now()
	defer func() { it.waited += time.Since(start) }()
	b, err := it.finished()
	if o := &it.loader.options; err == nil && o.Train && o.Augment.mixes() {
		it.mixed = o.Augment.mix(b, random.New(o.Seed, random.Mix, uint64(it.epoch), uint64(b.Index)), it.mixed)
	}
	return b, err
}

// finished waits for the next batch.
func (it *Iterator) finished() (*Batch, error) {
	it.mu.Lock()
	defer it.mu.Unlock()
	it.released = it.batch
	it.work.Broadcast()
	if it.err == nil && it.ctx.Err() != nil { // the call of fail may not have run yet
		it.err = context.Cause(it.ctx)
	}
	if it.err != nil {
		return nil, it.err
	}
	if it.batch >= it.loader.Batches() {
		return nil, io.EOF
	}
	if it.loader.options.Workers == 0 {
		it.decodeBatch()
	}
	slot := it.slots[it.batch%len(it.slots)]
	for it.err == nil && !(slot.index == it.batch && slot.missing == 0) {
		it.ready.Wait()
	}
	if it.err != nil {
		return nil, it.err
	}
	it.batch++
	return slot.finish(it.loader.set), nil
}

// Waited returns the time spent in Next: with workers, the time that the consumer waited for data.
func (it *Iterator) Waited() time.Duration { return it.waited }

// Close ends the workers and waits for them. It invalidates the last batch.
func (it *Iterator) Close() error {
	it.fail(ErrClosed)
	it.end(ErrClosed)
	if it.stop != nil {
		it.stop()
	}
	it.workers.Wait()
	if it.own != nil {
		it.own.Close()
		it.own = nil
	}
	if it.slots != nil {
		it.loader.returnSlots(it.slots)
		it.slots = nil
	}
	return nil
}

// fail ends the epoch with an error. The first error is kept.
func (it *Iterator) fail(err error) {
	it.mu.Lock()
	defer it.mu.Unlock()
	if it.err == nil {
		it.err = err
	}
	it.work.Broadcast()
	it.ready.Broadcast()
}

// task is an image to decode.
type task struct {
	slot   *slot
	place  int // in the batch
	repeat int // how often the epoch has had the image before
}

// take waits for a slot and returns the next image; ok is false at the end.
func (it *Iterator) take() (t task, ok bool) {
	size, total := it.loader.options.BatchSize, it.loader.set.Len()
	for it.err == nil && it.next < total && it.next/size >= it.released+len(it.slots) {
		it.work.Wait()
	}
	if it.err != nil || it.next >= total {
		return task{}, false
	}
	batch, place := it.next/size, it.next%size
	t = task{slot: it.slots[batch%len(it.slots)], place: place}
	if place == 0 {
		t.slot.begin(batch, min(size, total-it.next))
	}
	t.slot.samples[place] = it.next
	if it.order != nil {
		t.slot.samples[place] = int(it.order[it.next])
	}
	if it.repeats != nil {
		t.repeat = int(it.repeats[it.next])
	}
	it.next++
	return t, true
}

// done records the result of an image.
func (it *Iterator) done(t task, err error) {
	if sys.IsSystemError(err) && it.err == nil {
		it.err = err
		it.work.Broadcast()
	}
	t.slot.failures[t.place] = err
	t.slot.missing--
	if t.slot.missing == 0 || it.err != nil {
		it.ready.Broadcast()
	}
}

// make computes an image without holding the lock.
func (it *Iterator) make(r *ImageReader, t task) {
	it.mu.Unlock()
	start := time.Now()
	err := it.loader.load(it.ctx, r, it.epoch, t.slot.samples[t.place], t.repeat, t.slot.image(t.place))
	it.mu.Lock()
	it.stats.add(r, start)
	it.done(t, err)
}

// decode is the loop of a worker.
func (it *Iterator) decode() {
	r, err := NewImageReader()
	if err != nil {
		it.fail(err)
		return
	}
	defer r.Close()
	it.mu.Lock()
	defer it.mu.Unlock()
	for {
		t, ok := it.take()
		if !ok {
			return
		}
		it.make(r, t)
	}
}

// decodeBatch computes a batch in the calling goroutine.
func (it *Iterator) decodeBatch() {
	if it.own == nil && it.err == nil {
		it.own, it.err = NewImageReader()
	}
	for it.err == nil && it.next < it.loader.set.Len() && it.next/it.loader.options.BatchSize == it.batch {
		t, ok := it.take()
		if !ok {
			return
		}
		it.make(it.own, t)
	}
}
