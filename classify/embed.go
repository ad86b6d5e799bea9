package classify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/data/shards"
	"depthwise.dev/formats"
	"depthwise.dev/internal/host"
	"depthwise.dev/internal/validate"
)

// EmbedConfig says which weights compute embeddings, and how.
type EmbedConfig struct {
	// Weights is a file or a run's folder, see [formats.Read].
	Weights string
	// Raw selects the last weights of training in place of their average, see
	// [weights.Weights.Plain].
	Raw bool
	// Reading says how Weights of other tools are read.
	Reading formats.ReadOptions
	// Remote opens addresses of shards; see package data/remote. nil: images must be local.
	Remote shards.Remote
	// Normalize divides each embedding by its L2 norm, see [Normalize].
	Normalize bool
	// BatchSize is the number of images in a batch. 0: 32.
	BatchSize int
	// Workers that decode images. 0: decode in the calling goroutine. -1: one for each physical core.
	Workers int
	// Progress is called after each batch with the number of images; nil: not.
	Progress func(done, total int64)
	backend.Options
}

// Embeddings are the features of images: what the head of the network reads, such as the 1,024 means of the last
// feature map of a MobileNet v1 of width 1.
type Embeddings struct {
	Paths   []string       // N images that could be read
	Values  []float32      // (N, Dim), row-major
	Dim     int            // values of an image
	Skipped []data.Problem // images that could not be read
	LeftOut []data.Problem // files and folders that are not used
}

// Row returns the embedding of the i-th image. It shares the memory of Values.
func (e Embeddings) Row(i int) []float32 { return e.Values[i*e.Dim : (i+1)*e.Dim] }

// Embed computes the embeddings of images, in their order. A path is an image file, a folder of images or shards, see
// [Images]. Where an image cannot be read it is in Skipped, and the others are computed nevertheless. It returns an
// error if the network has no head ([models.Graph.HeadLayers]) or computes values that are not finite.
func Embed(ctx context.Context, c EmbedConfig, paths []string) (Embeddings, error) {
	if err := c.validate(); err != nil {
		return Embeddings{}, err
	}
	images, err := Images(ctx, paths, c.Remote)
	if err != nil {
		return Embeddings{}, err
	}
	e := Embeddings{LeftOut: images.Problems}
	p := PredictConfig{Weights: c.Weights, Raw: c.Raw, Reading: c.Reading, Options: c.Options,
		BatchSize: max(1, min(cmp.Or(c.BatchSize, 32), images.Len()))}
	err = p.run(ctx, nil, func(p *predictor) error { return e.compute(ctx, p, c, images) })
	if err != nil {
		return Embeddings{}, fmt.Errorf("classify: %w", err)
	}
	return e, nil
}

// validate names every wrong field.
func (c EmbedConfig) validate() error {
	var v validate.Collector
	c.Options.WithDefaults().Collect(&v)
	checkLoading(&v, c.BatchSize, c.Workers)
	return v.Err()
}

// compute adds the embeddings of images.
func (e *Embeddings) compute(ctx context.Context, p *predictor, c EmbedConfig, images *data.Dataset) error {
	dim, err := p.weights.Graph.FeatureValues()
	if err != nil {
		return err
	}
	e.Dim = dim
	if images.Len() == 0 {
		return nil
	}
	loader, err := data.NewLoader(images, data.LoaderOptions{BatchSize: min(cmp.Or(c.BatchSize, 32), images.Len()), Workers: workers(c.Workers, c.Device), Preprocess: p.weights.Preprocess})
	if err != nil {
		return err
	}
	if err := fits(images.Len(), dim, host.AvailableMemory()); err != nil {
		return err
	}
	e.Values = make([]float32, 0, images.Len()*dim)
	batches := loader.Epoch(ctx, 0, 0)
	defer batches.Close()
	for {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := e.add(p, b, images, c.Normalize); err != nil {
			return err
		}
		if c.Progress != nil {
			c.Progress(int64(len(e.Paths)+len(e.Skipped)), int64(images.Len()))
		}
	}
}

// fits refuses more embeddings than the memory holds.
func fits(images, dim int, available host.Bound) error {
	need := 4 * float64(images) * float64(dim)
	if need <= float64(available.N) {
		return nil
	}
	return fmt.Errorf("the embeddings of %d images take %s of memory, but %s are available (%s): embed fewer folders at a time", images, host.Size(need), host.Size(float64(available.N)), available.By)
}

// add adds the embeddings of a batch.
func (e *Embeddings) add(p *predictor, b *data.Batch, images *data.Dataset, normalize bool) error {
	e.Skipped = append(e.Skipped, b.Skipped...)
	if b.N == 0 {
		return nil
	}
	values, err := p.logits(func(s *autograd.Scope) *autograd.Tensor {
		return p.inference.FeaturesPixels(s, backend.Pixels(b, p.weights.Preprocess))
	})
	if err != nil {
		return err
	}
	for i, sample := range b.Samples {
		path, row := images.Samples[sample].Path, values[i*e.Dim:(i+1)*e.Dim]
		if norm := norm(row); math.IsNaN(norm) || math.IsInf(norm, 0) {
			return fmt.Errorf("the embedding of %s has values that are not finite: the weights are damaged or their training diverged", data.ShowName(path))
		}
		if normalize {
			Normalize(row)
		}
		e.Paths = append(e.Paths, path)
	}
	e.Values = append(e.Values, values...)
	return nil
}
