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

// Iterator yields the batches of one epoch in order. Its workers share single images,
// so that a slow one holds up nobody but its batch, and stay at most Prefetch batches
// ahead of the consumer. Next, Close and Waited are for one goroutine.
type Iterator struct {
	ctx     context.Context // ends when the caller's does, and with Close
	end     context.CancelCauseFunc
	loader  *Loader
	epoch   int
	order   []int32 // sample of each position; nil: the position itself
	stop    func() bool
	workers sync.WaitGroup
	own     *ImageReader // of Next, when there are no workers
	mixed   []uint8      // memory for mixing a batch
	waited  time.Duration

	mu       sync.Mutex
	work     sync.Cond // workers wait here for a free slot
	ready    sync.Cond // Next waits here for a full one
	slots    []*slot   // batch b is made in slots[b%len(slots)]
	next     int       // the position that is decoded next
	batch    int       // the batch that Next returns next
	released int       // batches below it were handed back
	stats    LoaderStats
	err      error // sticks
}

// Next returns the next batch, io.EOF after the last, the context's error when it was
// canceled, or a [StorageError]. Unreadable images are no
// error: they are in Batch.Skipped.
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
	if it.err == nil && it.ctx.Err() != nil { // what was to call fail may not have run yet
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

// Waited returns the time that was spent in Next: with workers, the time that the
// consumer waited for data.
func (it *Iterator) Waited() time.Duration { return it.waited }

// Close ends the workers and waits for them. The batch returned last ends with it.
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

// fail ends the epoch; the first error stays.
func (it *Iterator) fail(err error) {
	it.mu.Lock()
	defer it.mu.Unlock()
	if it.err == nil {
		it.err = err
	}
	it.work.Broadcast()
	it.ready.Broadcast()
}

// task is one image to decode.
type task struct {
	slot  *slot
	place int // in the batch
}

// take returns the next image, once its batch has a slot; ok is false at the end.
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
	it.next++
	return t, true
}

// done notes what became of an image.
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

// make makes an image, without the lock.
func (it *Iterator) make(r *ImageReader, t task) {
	it.mu.Unlock()
	start := time.Now()
	err := it.loader.load(it.ctx, r, it.epoch, t.slot.samples[t.place], t.slot.image(t.place))
	it.mu.Lock()
	it.stats.add(r, start)
	it.done(t, err)
}

// decode is a worker's life.
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

// decodeBatch makes the batch in the caller.
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
