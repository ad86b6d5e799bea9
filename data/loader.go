package data

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"depthwise.dev/data/internal/random"
	"depthwise.dev/internal/capacity"
)

// LoaderOptions configures a loader.
type LoaderOptions struct {
	// BatchSize is the number of images of a batch, in the parts of all ranks together. The last batch of an epoch may have fewer. It
	// is cut to the size of the data set.
	BatchSize  int
	Workers    int        // goroutines that decode, at most MaxWorkers; 0: Next decodes in the calling goroutine
	Prefetch   int        // batches prepared ahead of the current one; 0 means 4
	Seed       uint64     // of order and augmentation
	Train      bool       // shuffle and augment; otherwise dataset order and evaluation's geometry
	Preprocess Preprocess // output size, and evaluation's geometry
	Augment    Augment    // used when Train
	Decode     string     // DecodeExact (also when empty) or DecodeFast, which is used when Train
	Sampler    string     // SampleUniform (also when empty), SampleBalanced or SampleSqrt: the images of an epoch when Train
	// ShuffleBuffer applies to shards: the number of images that are shuffled with each other when
	// shuffled shards are read sequentially. 0: all images, with random access; for remote shards, 16,384.
	ShuffleBuffer int
	// Rank and Ranks divide each batch among processes: of a batch of n images, rank r has those from r*n/Ranks up to
	// (r+1)*n/Ranks, in its order. Which images a batch has depends on neither. Ranks 0 or 1: not divided.
	Rank, Ranks int
}

const defaultPrefetch = 4

// MaxWorkers bounds the goroutines that decode: each holds a decoder and a thread of the system, and
// more than a machine has cores do not help.
const MaxWorkers = 1024

// The ways to decode training images; evaluation is always exact.
const (
	DecodeExact = "exact" // the pixels of a full decode
	DecodeFast  = "fast"  // photographs with a side above 1,000 pixels at half size, if the crop is reduced at least that much
)

// FastSide is the side in pixels above which DecodeFast decodes a photograph at half size (data/jpeg/decode.c).
const FastSide = 1000

// Validate returns an error that names every invalid field.
func (o LoaderOptions) Validate() error {
	var errs []error
	if o.BatchSize < 1 {
		errs = append(errs, fmt.Errorf("data: batch size %d is not positive", o.BatchSize))
	}
	if o.Workers < 0 {
		errs = append(errs, fmt.Errorf("data: the number of workers %d is negative", o.Workers))
	}
	if o.Workers > MaxWorkers {
		errs = append(errs, fmt.Errorf("data: %d workers: must be at most %d", o.Workers, MaxWorkers))
	}
	if o.Prefetch < 0 {
		errs = append(errs, fmt.Errorf("data: the prefetch of %d batches is negative", o.Prefetch))
	}
	if o.ShuffleBuffer < 0 {
		errs = append(errs, fmt.Errorf("data: the shuffle buffer of %d images is negative", o.ShuffleBuffer))
	}
	if o.Decode != "" && o.Decode != DecodeExact && o.Decode != DecodeFast {
		errs = append(errs, fmt.Errorf("data: decode %q is neither %q nor %q", o.Decode, DecodeExact, DecodeFast))
	}
	if o.Sampler != "" && !slices.Contains(Samplers, o.Sampler) {
		errs = append(errs, fmt.Errorf("data: sampler %q: must be one of %s", o.Sampler, strings.Join(Samplers, ", ")))
	}
	if o.Ranks < 0 || o.Rank < 0 || o.Rank >= max(o.Ranks, 1) {
		errs = append(errs, fmt.Errorf("data: rank %d of %d: ranks are counted from 0", o.Rank, o.Ranks))
	}
	errs = append(errs, o.Preprocess.Validate())
	if o.Train {
		errs = append(errs, o.Augment.Validate())
	}
	return errors.Join(errs...)
}

// Loader yields the batches of a data set, epoch by epoch. It may be used by several goroutines.
type Loader struct {
	set     *Dataset
	options LoaderOptions

	mu    sync.Mutex
	spare []*slot // memory of the last epoch, for the next one
}

// NewLoader validates the options. It reads no files.
func NewLoader(set *Dataset, options LoaderOptions) (*Loader, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if set.Len() == 0 {
		return nil, fmt.Errorf("data: %s contains no images", set.Root)
	}
	options.BatchSize = min(options.BatchSize, set.Len())         // no batch has more images
	options.ShuffleBuffer = min(options.ShuffleBuffer, set.Len()) // a larger one shuffles all images too
	if err := options.checkSampler(set); err != nil {
		return nil, err
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
	if err := options.checkCapacity(set.Len()); err != nil {
		return nil, fmt.Errorf("data: %s: %w", set.Root, err)
	}
	return &Loader{set: set, options: options}, nil
}

// Slots returns the number of batches that a loader of a data set with this number of images, at
// least 1, holds in memory.
func (o LoaderOptions) Slots(images int) int {
	ahead := o.Prefetch
	switch {
	case o.Workers == 0:
		ahead = 0
	case ahead == 0:
		ahead = defaultPrefetch
	}
	batches := (images-1)/o.BatchSize + 1
	return min(ahead+1, batches)
}

// checkCapacity refuses batches beyond the memory and workers beyond the limits on threads.
func (o LoaderOptions) checkCapacity(images int) error {
	side := o.Preprocess.Resolution
	need := capacity.Need{What: "loading", Images: o.most(), Height: side, Width: side,
		PerImage: 3 * float64(side) * float64(side) * float64(o.Slots(images))}
	return errors.Join(need.Check(), capacity.Threads("--workers", o.Workers, 1))
}

// Batches returns the number of batches in an epoch.
func (l *Loader) Batches() int {
	return (l.set.Len() + l.options.BatchSize - 1) / l.options.BatchSize
}

// most is the largest number of images of a rank's part of a batch.
func (o LoaderOptions) most() int {
	ranks := max(o.Ranks, 1)
	return (o.BatchSize + ranks - 1) / ranks
}

// Part returns which positions of an epoch a batch of this rank has: the first one and their number, which may be 0 in a last batch of
// fewer images than ranks.
func (l *Loader) Part(batch int) (first, count int) {
	o := l.options
	first = batch * o.BatchSize
	images, ranks := min(o.BatchSize, l.set.Len()-first), max(o.Ranks, 1)
	from, to := o.Rank*images/ranks, (o.Rank+1)*images/ranks
	return first + from, to - from
}

// Epoch starts an epoch at batch firstBatch. A batch does not depend on firstBatch. When ctx is canceled,
// Next returns its error. The iterator must be closed.
func (l *Loader) Epoch(ctx context.Context, epoch, firstBatch int) *Iterator {
	work, end := context.WithCancelCause(ctx)
	it := &Iterator{
		ctx: work, end: end, loader: l, epoch: epoch, order: l.Order(epoch), slots: l.takeSlots(),
		batch: firstBatch, released: firstBatch, filling: firstBatch,
	}
	it.repeats = l.repeats(it.order)
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

// Order returns the sample at each position of an epoch; nil means the order of the data set. With a sampler other than
// SampleUniform a sample may be at several positions, or at none.
func (l *Loader) Order(epoch int) []int32 {
	if !l.options.Train {
		return nil
	}
	rng := random.New(l.options.Seed, random.Order, uint64(epoch))
	if l.options.ShuffleBuffer > 0 && l.set.Sharded() {
		return streamOrder(l.set, l.options.ShuffleBuffer, rng)
	}
	order := l.set.draw(l.options.Sampler, rng)
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// takeSlots returns the spare memory, or new memory if another epoch uses it.
func (l *Loader) takeSlots() []*slot {
	l.mu.Lock()
	slots := l.spare
	l.spare = nil
	l.mu.Unlock()
	if slots == nil {
		for range l.options.Slots(l.set.Len()) {
			slots = append(slots, newSlot(l.options.most(), l.options.Preprocess.Resolution))
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

// load computes the image of a sample in an epoch, in which it was drawn before a number of times. The result depends
// on nothing else.
func (l *Loader) load(ctx context.Context, r *ImageReader, epoch, sample, repeat int, dst []uint8) error {
	r.exif = l.options.Preprocess.EXIF
	r.fast = l.options.Train && l.options.Decode == DecodeFast
	if err := r.Open(ctx, l.set.Samples[sample]); err != nil {
		return err
	}
	p := l.options.Preprocess
	v := p.evaluation(r.width, r.height)
	if l.options.Train {
		seedAugment(&r.pcg, l.options.Seed, epoch, sample, repeat)
		v = l.options.Augment.view(p, r.width, r.height, r.random)
	}
	if err := r.draw(v, p.Resolution, dst); err != nil || !l.options.Train {
		return err
	}
	l.options.Augment.apply(&r.canvas, p, dst, r.random)
	return nil
}
