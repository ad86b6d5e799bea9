package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/internal/batches"
	"depthwise.dev/report"
	"depthwise.dev/tune"
)

const (
	// leastSteps is the number of steps of an epoch that an automatic batch size leaves: half of those that the recipes for few
	// images have with the 600 photographs that they were chosen with.
	leastSteps = 10
	// mostGrowth is the largest factor between the batch size that the learning rate is meant for and an automatic one: the
	// rate is not scaled, and within a factor of two it is usually still suitable.
	mostGrowth = 2
	// A size is measured for this time and this number of steps, after one that is slower.
	speedTime  = 500 * time.Millisecond
	speedSteps = 3
)

// chooseBatchSize replaces the batch size auto by that of the checkpoint that the run continues, or else by the one of
// which training steps are fast on this machine.
func (r *run) chooseBatchSize(ctx context.Context) error {
	if r.config.BatchSize != config.AutoBatchSize {
		return nil
	}
	defer r.images.cutBatchSize(&r.config)
	if was := continued(r.config); was != nil && was.BatchSize > 0 {
		r.config.BatchSize = was.BatchSize
		return nil
	}
	meant, err := r.config.RecipeBatchSize()
	if err != nil {
		return err
	}
	images, ranks := r.images.train.Len(), max(r.config.Ranks, 1)
	sizes := tune.BatchSizes{Base: max(min(meant, images)/ranks, 1), Limit: min(mostGrowth*meant, images/(leastSteps*r.config.Accumulate)) / ranks}
	choice, err := r.measureBatchSizes(ctx, sizes)
	if err != nil {
		return fmt.Errorf("train: --batch-size auto: %w", err)
	}
	r.config.BatchSize = choice.Size
	r.choices = append(r.choices, fmt.Sprintf("batch size %d: %s; %s", choice.Size, choice.Reason, r.unscaled(meant)))
	return nil
}

// unscaled says how the learning rate goes with the batch size.
func (r *run) unscaled(meant int) string {
	text := fmt.Sprintf("the learning rate %g is not scaled", r.config.LR)
	size := r.config.GlobalBatch()
	if size == meant {
		return text
	}
	return fmt.Sprintf("%s: it is meant for batches of %d; in proportion it would be --lr %.2g (arXiv:1706.02677), and train lr-find tests it", text, meant, r.config.LR*float64(size)/float64(meant))
}

// measureBatchSizes measures training steps on noise, in a scope of its own.
func (r *run) measureBatchSizes(ctx context.Context, sizes tune.BatchSizes) (choice tune.BatchChoice, err error) {
	test := *r
	test.trainer.Callbacks, test.ranks, test.config.Ranks = nil, ranks{}, 0
	test.testOnly(report.Multi{})
	err = autograd.Run(context.WithoutCancel(ctx), func(s *autograd.Scope) error {
		if test.Machine, err = backend.NewMachine(s, test.net.graph, test.config.BackendOptions()); err != nil {
			return err
		}
		test.posWeight = test.images.posWeights(test.config)
		test.network = test.New(s, test.net.graph, test.config.Seed)
		if err := test.prepareTraining(s); err != nil {
			return err
		}
		frozen, err := test.alwaysFrozen()
		if err != nil {
			return err
		}
		defer test.steps.Reset()
		sizes.Fits = func(size int) bool {
			slots := test.loaderOptions(true)
			slots.BatchSize = size
			return test.TrainingMemory(test.net.graph, frozen, size, slots.Slots(test.images.train.Len())).Fits()
		}
		sizes.Measure = func(size int) (float64, error) { return test.batchSpeed(ctx, s, size) }
		choice, err = sizes.Choose()
		return err
	})
	return choice, err
}

// batchSpeed measures the images per second of training steps with batches of a size.
func (r *run) batchSpeed(ctx context.Context, s *autograd.Scope, size int) (float64, error) {
	r.config.BatchSize = size
	r.steps.Reset() // a graph of another size
	source := sameBatch{r.noise(size)}
	fastest, total := math.Inf(1), time.Duration(0)
	for n := 0; n <= speedSteps || total < speedTime; n++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		start := time.Now()
		err := s.Sub(func(s *autograd.Scope) error {
			seen, _, err := r.forwardBackward(s, source)
			if err == nil {
				var norm readback
				if norm, err = r.update(s, seen, 0); err == nil {
					norm.Discard()
				}
			}
			return errors.Join(err, r.awaitLosses())
		})
		switch took := time.Since(start); {
		case err != nil && outOfMemory(err):
			return 0, tune.ErrOutOfMemory
		case err != nil:
			return 0, err
		case n > 0: // the first step is slower
			fastest, total = min(fastest, took.Seconds()), total+took
		}
	}
	return float64(size*r.config.Accumulate) / fastest, nil
}

// awaitLosses waits until a GPU has computed the losses of the last batches.
func (r *run) awaitLosses() error {
	defer r.discardPending()
	for _, l := range r.pending.loss {
		if _, err := l.scored.Values(); err != nil {
			return err
		}
	}
	return nil
}

// outOfMemory reports whether libtorch could not allocate memory, on a GPU or the host.
func outOfMemory(err error) bool {
	var memory *autograd.OutOfMemoryError
	return errors.As(err, &memory)
}

// noise is a batch of noise with the targets of the data set's kind.
func (r *run) noise(size int) *data.Batch {
	classes := len(r.images.train.Classes)
	b := batches.Synthetic(size, r.net.graph.Input.Height, classes, r.config.Seed)
	b.Lambda = 1
	if r.multiLabel() {
		b.Labels, b.Targets = nil, make([]float32, size*classes)
	}
	return b
}

// sameBatch returns a batch again and again.
type sameBatch struct{ batch *data.Batch }

func (b sameBatch) Next() (*data.Batch, error) { return b.batch, nil }
func (b sameBatch) Stats() data.LoaderStats    { return data.LoaderStats{} }
func (b sameBatch) Close() error               { return nil }
