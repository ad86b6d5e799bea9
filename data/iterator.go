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
	filling  int       // the batch of the next image to decode
	place    int       // of that image in this rank's part of it
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

// waitFree waits until the batch that is being filled has a slot. It returns false at the end.
func (it *Iterator) waitFree() bool {
	for it.err == nil && it.filling < it.loader.Batches() && it.filling >= it.released+len(it.slots) {
		it.work.Wait()
	}
	return it.err == nil && it.filling < it.loader.Batches()
}

// take returns the next image of the batch that is being filled, which has a slot. ok is false if this rank has no image of the batch.
func (it *Iterator) take() (t task, ok bool) {
	first, count := it.loader.Part(it.filling)
	t = task{slot: it.slots[it.filling%len(it.slots)], place: it.place}
	if t.place == 0 {
		t.slot.begin(it.filling, count)
	}
	if count == 0 {
		it.filling++
		it.ready.Broadcast()
		return t, false
	}
	position := first + t.place
	t.slot.samples[t.place] = it.sample(position)
	if it.repeats != nil {
		t.repeat = int(it.repeats[position])
	}
	if it.place++; it.place == count {
		it.filling, it.place = it.filling+1, 0
	}
	return t, true
}

// sample returns the sample at a position of the epoch.
func (it *Iterator) sample(position int) int {
	if it.order == nil {
		return position
	}
	return int(it.order[position])
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
	for it.waitFree() {
		if t, ok := it.take(); ok {
			it.make(r, t)
		}
	}
}

// decodeBatch computes a batch in the calling goroutine.
func (it *Iterator) decodeBatch() {
	if it.own == nil && it.err == nil {
		it.own, it.err = NewImageReader()
	}
	for it.err == nil && it.filling == it.batch {
		if t, ok := it.take(); ok {
			it.make(it.own, t)
		}
	}
}
