package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/report"
)

// features computes what the head reads while the whole backbone is frozen: for each batch or, where an image is
// the same in every epoch, once.
type features struct {
	inference  backend.Inference
	train, val *cachedFeatures // nil: computed for each batch
	tooMany    bool            // to cache
}

// maxCachedFeatures is the memory that cached features may take; above it each batch computes its own.
const maxCachedFeatures = 2 << 30

// cachedFeatures are the features of all images of a data set.
type cachedFeatures struct {
	set    *data.Dataset
	size   int                  // values of an image
	values []float32            // of all images, in the order of the data set
	failed map[int]data.Problem // unreadable images
}

// cacheFeatures computes the features of all images once, if no augmentation changes them from epoch to epoch.
func (r *run) cacheFeatures(ctx context.Context, s *autograd.Scope) error {
	f := r.features
	if f == nil || f.train != nil || f.tooMany || r.config.Augments() {
		return nil
	}
	size := int(r.headInput().Values())
	images := r.images.train.Len()
	if r.images.val != nil {
		images += r.images.val.Len()
	}
	if bytes := 4 * images * size; bytes > maxCachedFeatures {
		f.tooMany = true
		return r.note(report.Info, fmt.Sprintf("the features of %d images would take %d MB: they are computed in every epoch", images, bytes>>20))
	}
	start := time.Now()
	var err error
	if f.train, err = r.computeFeatures(ctx, s, r.images.train, size); err != nil {
		return err
	}
	if r.images.val != nil {
		if f.val, err = r.computeFeatures(ctx, s, r.images.val, size); err != nil {
			return err
		}
	}
	return r.note(report.Info, fmt.Sprintf("the backbone is frozen and images are not augmented: the features of %d images were computed once, in %.1f s, and only the head is computed in each epoch", images, time.Since(start).Seconds()))
}

// computeFeatures computes the features of all images of a data set, as evaluation sees them.
func (r *run) computeFeatures(ctx context.Context, s *autograd.Scope, set *data.Dataset, size int) (*cachedFeatures, error) {
	options := r.loaderOptions(false)
	loader, err := data.NewLoader(set, options)
	if err != nil {
		return nil, err
	}
	c := &cachedFeatures{set: set, size: size, values: make([]float32, set.Len()*size), failed: map[int]data.Problem{}}
	batches := loader.Epoch(r.untilAgreed(ctx), 0, 0)
	defer batches.Close()
	for {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err == nil {
			err = r.addFeatures(s, c, b, options.BatchSize)
		}
		if err == nil {
			err = r.agreedStop(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
}

// addFeatures computes the features of a batch; with several ranks each computes those of its part, and all get them.
func (r *run) addFeatures(s *autograd.Scope, c *cachedFeatures, b *data.Batch, batchSize int) error {
	var values []float32
	if b.N > 0 {
		err := s.Sub(func(s *autograd.Scope) error {
			values = autograd.ToSlice[float32](s, r.features.inference.FeaturesPixels(s, backend.Pixels(b, r.net.preprocess)))
			return s.Err()
		})
		if err != nil {
			return err
		}
	}
	if r.ranks.several() {
		var err error
		if b, values, err = r.mergeBatch(c.set, b, values); err != nil {
			return err
		}
	}
	c.fail(b, batchSize)
	for i, sample := range b.Samples {
		copy(c.values[sample*c.size:(sample+1)*c.size], values[i*c.size:])
	}
	return nil
}

// fail records the unreadable images of a batch in the order of the data set.
func (c *cachedFeatures) fail(b *data.Batch, batchSize int) {
	read := map[int]bool{}
	for _, sample := range b.Samples {
		read[sample] = true
	}
	problems := b.Skipped
	for sample := b.Index * batchSize; len(problems) > 0; sample++ {
		if !read[sample] {
			c.failed[sample], problems = problems[0], problems[1:]
		}
	}
}

// rows returns the features of samples as a tensor (N, ...) on a device.
func (c *cachedFeatures) rows(s *autograd.Scope, samples []int, shape []int64, device autograd.Device) *autograd.Tensor {
	values := make([]float32, 0, len(samples)*c.size)
	for _, sample := range samples {
		values = append(values, c.values[sample*c.size:(sample+1)*c.size]...)
	}
	return s.ToDevice(autograd.FromSlice(s, values, append([]int64{int64(len(samples))}, shape...)...), device)
}

// batchSource yields the batches of an epoch: a loader's, or those of cached features.
type batchSource interface {
	Next() (*data.Batch, error)
	Stats() data.LoaderStats
	Close() error
}

// featureBatches yields the batches of an epoch without pixels, in the order of the loader.
type featureBatches struct {
	of     *cachedFeatures
	order  []int32 // nil: the order of the data set
	loader *data.Loader
	batch  data.Batch
}

func (f *featureBatches) Next() (*data.Batch, error) {
	b := &f.batch
	if b.Index >= f.loader.Batches() {
		return nil, io.EOF
	}
	first, count := f.loader.Part(b.Index)
	*b = data.Batch{Index: b.Index, Lambda: 1, Labels: b.Labels[:0], Samples: b.Samples[:0], Targets: b.Targets[:0]}
	for at := first; at < first+count; at++ {
		sample := at
		if f.order != nil {
			sample = int(f.order[at])
		}
		if p, failed := f.of.failed[sample]; failed {
			b.Skipped = append(b.Skipped, p)
			continue
		}
		b.Samples = append(b.Samples, sample)
		if f.of.set.MultiLabel {
			b.Targets = f.of.set.AppendTargets(b.Targets, f.of.set.Samples[sample])
		} else {
			b.Labels = append(b.Labels, int64(f.of.set.Samples[sample].Class))
		}
		b.N++
	}
	result := *b
	b.Index++
	return &result, nil
}

func (f *featureBatches) Stats() data.LoaderStats { return data.LoaderStats{} }
func (f *featureBatches) Close() error            { return nil }

// epochBatches returns the batches of an epoch from a batch on.
func (r *run) epochBatches(ctx context.Context, epoch, batch int) batchSource {
	if r.features != nil && r.features.train != nil {
		return &featureBatches{of: r.features.train, order: r.loader.Order(epoch), loader: r.loader, batch: data.Batch{Index: batch}}
	}
	return r.loader.Epoch(ctx, epoch, batch)
}

// logits computes the logits of a batch in training.
func (r *run) logits(s *autograd.Scope, b *data.Batch) *autograd.Tensor {
	f := r.features
	switch {
	case f == nil:
		return r.Forward(s, r.network, backend.Pixels(b, r.net.preprocess), autograd.Training)
	case f.train == nil:
		return r.network.Head(s, f.inference.FeaturesPixels(s, backend.Pixels(b, r.net.preprocess)), autograd.Training)
	}
	return r.network.Head(s, f.train.rows(s, b.Samples, r.featureShape(), r.Place), autograd.Training)
}

// headInput is the shape of an image's features.
func (r *run) headInput() models.Shape {
	return r.net.graph.Layers[len(r.net.graph.Layers)-r.net.graph.HeadLayers()].In
}

// featureShape is headInput as the shape of a tensor.
func (r *run) featureShape() []int64 {
	in := r.headInput()
	if in.Spatial() {
		return []int64{int64(in.Channels), int64(in.Height), int64(in.Width)}
	}
	return []int64{int64(in.Channels)}
}

// scoreFeatures evaluates networks, which differ in their heads, on the cached features of the validation images.
func (r *run) scoreFeatures(ctx context.Context, s *autograd.Scope, e classify.Evaluation) ([]classify.Score, error) {
	scores := make([]classify.Score, len(e.Networks))
	batches := &featureBatches{of: r.features.val, loader: r.valLoader}
	for r.untilAgreed(ctx).Err() == nil {
		part, err := batches.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		for i, n := range e.Networks {
			values, err := r.headLogits(s, n, part)
			b := part
			if err == nil && e.Merge != nil {
				b, values, err = e.Merge(part, values)
			}
			if err != nil {
				return nil, err
			}
			scores[i].Skipped = append(scores[i].Skipped, b.Skipped...)
			if b.N == 0 {
				continue
			}
			scores[i].AddBatch(values, b)
			if e.Each != nil {
				classify.Outcomes(values, b.Labels, b.Samples, func(o classify.Outcome, row []float32) { e.Each(i, o, row) })
			}
		}
		if err := r.agreedStop(ctx); err != nil {
			return nil, err
		}
	}
	if r.untilAgreed(ctx).Err() == nil && scores[0].Images == 0 {
		return nil, errors.New("no image of the data set could be read")
	}
	return scores, r.untilAgreed(ctx).Err()
}

// headLogits computes the logits of a batch from the cached features of validation images.
func (r *run) headLogits(s *autograd.Scope, n *backend.Network, b *data.Batch) (values []float32, err error) {
	if b.N == 0 {
		return nil, nil
	}
	err = s.Sub(func(s *autograd.Scope) error {
		return s.NoGrad(func(s *autograd.Scope) error {
			logits := n.Head(s, r.features.val.rows(s, b.Samples, r.featureShape(), r.Place), autograd.Evaluation)
			values = autograd.ToSlice[float32](s, logits)
			return s.Err()
		})
	})
	return values, err
}
