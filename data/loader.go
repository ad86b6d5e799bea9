package data

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"depthwise.dev/data/internal/random"
)

// LoaderOptions says what batches are made of and how much work is done ahead.
type LoaderOptions struct {
	BatchSize  int        // images a batch; an epoch's last may hold fewer
	Workers    int        // goroutines that decode; 0: Next decodes in its caller
	Prefetch   int        // batches made ahead of the one in use; 0 means 4
	Seed       uint64     // of order and augmentation
	Train      bool       // shuffle and augment; else dataset order and evaluation's geometry
	Preprocess Preprocess // the size of the output, and evaluation's geometry
	Augment    Augment    // used when Train
	Decode     string     // DecodeExact (also when empty) or DecodeFast, which is used when Train
	// ShuffleBuffer, of shards, is the number of images that are shuffled with each other,
	// in shuffled shards that are read as a stream. 0: all of them, read at random; of
	// distant shards, 16,384.
	ShuffleBuffer int
}

const defaultPrefetch = 4

// The ways to decode training images; evaluation is always exact.
const (
	DecodeExact = "exact" // the pixels of a full decode
	DecodeFast  = "fast"  // photographs with a side above 1,000 pixels from half their size, where the crop becomes that small anyway
)

// Validate names every field that is wrong.
func (o LoaderOptions) Validate() error {
	var errs []error
	if o.BatchSize < 1 {
		errs = append(errs, fmt.Errorf("data: batch size %d is not positive", o.BatchSize))
	}
	if o.Workers < 0 {
		errs = append(errs, fmt.Errorf("data: %d workers", o.Workers))
	}
	if o.Prefetch < 0 {
		errs = append(errs, fmt.Errorf("data: prefetch of %d batches", o.Prefetch))
	}
	if o.ShuffleBuffer < 0 {
		errs = append(errs, fmt.Errorf("data: a shuffle buffer of %d images", o.ShuffleBuffer))
	}
	if o.Decode != "" && o.Decode != DecodeExact && o.Decode != DecodeFast {
		errs = append(errs, fmt.Errorf("data: decode %q is neither %q nor %q", o.Decode, DecodeExact, DecodeFast))
	}
	errs = append(errs, o.Preprocess.Validate())
	if o.Train {
		errs = append(errs, o.Augment.Validate())
	}
	return errors.Join(errs...)
}

// Loader makes the batches of a data set, epoch by epoch. It may be used by several
// goroutines.
type Loader struct {
	set     *Dataset
	options LoaderOptions

	mu    sync.Mutex
	spare []*slot // batches of the last epoch, for the next one
}

// NewLoader checks the options. It reads nothing.
func NewLoader(set *Dataset, options LoaderOptions) (*Loader, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if set.Len() == 0 {
		return nil, fmt.Errorf("data: %s holds no images", set.Root)
	}
	if options.Prefetch == 0 {
		options.Prefetch = defaultPrefetch
	}
	if options.Workers == 0 {
		options.Prefetch = 0
	}
	if set.Remote() {
		if options.ShuffleBuffer == 0 {
			options.ShuffleBuffer = remoteBuffer
		}
		if err := set.checkCache(options.ShuffleBuffer); err != nil {
			return nil, err
		}
	}
	return &Loader{set: set, options: options}, nil
}

// Batches returns the number of batches of an epoch.
func (l *Loader) Batches() int {
	return (l.set.Len() + l.options.BatchSize - 1) / l.options.BatchSize
}

// Epoch starts an epoch at batch firstBatch. The batches from there on are the same
// whatever firstBatch is. Canceling ctx ends the iterator, whose Next then returns
// ctx's error. Close it in any case.
func (l *Loader) Epoch(ctx context.Context, epoch, firstBatch int) *Iterator {
	work, end := context.WithCancelCause(ctx)
	it := &Iterator{
		ctx: work, end: end, loader: l, epoch: epoch, order: l.order(epoch), slots: l.takeSlots(),
		batch: firstBatch, released: firstBatch, next: firstBatch * l.options.BatchSize,
	}
	it.work.L, it.ready.L = &it.mu, &it.mu
	if firstBatch < 0 {
		it.err = fmt.Errorf("data: an epoch cannot start at batch %d", firstBatch)
		return it
	}
	it.stop = context.AfterFunc(ctx, func() { it.fail(context.Cause(ctx)) })
	if l.set.Remote() {
		it.prefetch()
	}
	for range l.options.Workers {
		it.workers.Go(it.decode)
	}
	return it
}

// order returns the sample of each position of an epoch; nil means the data set's order.
func (l *Loader) order(epoch int) []int32 {
	if !l.options.Train {
		return nil
	}
	rng := random.New(l.options.Seed, random.Order, uint64(epoch))
	if l.options.ShuffleBuffer > 0 && l.set.Sharded() {
		return streamOrder(l.set, l.options.ShuffleBuffer, rng)
	}
	order := make([]int32, l.set.Len())
	for i := range order {
		order[i] = int32(i)
	}
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// takeSlots returns the spare batches, or new ones when another epoch has them.
func (l *Loader) takeSlots() []*slot {
	l.mu.Lock()
	slots := l.spare
	l.spare = nil
	l.mu.Unlock()
	if slots == nil {
		for range l.options.Prefetch + 1 {
			slots = append(slots, newSlot(l.options.BatchSize, l.options.Preprocess.Resolution))
		}
	}
	for _, s := range slots {
		s.index = -1
	}
	return slots
}

func (l *Loader) returnSlots(slots []*slot) {
	l.mu.Lock()
	l.spare = slots
	l.mu.Unlock()
}

// load makes the image of one sample in one epoch; it depends on nothing else.
func (l *Loader) load(ctx context.Context, r *ImageReader, epoch, sample int, dst []uint8) error {
	r.exif = l.options.Preprocess.EXIF
	r.fast = l.options.Train && l.options.Decode == DecodeFast
	if err := r.Open(ctx, l.set.Samples[sample]); err != nil {
		return err
	}
	p := l.options.Preprocess
	v := p.evaluation(r.width, r.height)
	if l.options.Train {
		random.Seed(&r.pcg, l.options.Seed, random.Augment, uint64(epoch), uint64(sample))
		v = l.options.Augment.view(p, r.width, r.height, r.random)
	}
	if err := r.draw(v, p.Resolution, dst); err != nil || !l.options.Train {
		return err
	}
	l.options.Augment.alter(&r.canvas, p, dst, r.random)
	return nil
}
