package classify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/internal/suggest"
	"depthwise.dev/internal/validate"
)

// Predicted is what [PredictImages] yields for an image. Its slices are valid until the next image.
type Predicted struct {
	Prediction
	Index      int       // of the image in the data set
	Classes    []string  // names of all classes
	MultiLabel bool      // an image may have any number of the classes: Top has those that reach their thresholds
	Logits     []float32 // of all classes; nil if the image cannot be read
	Pixels     []uint8   // what the network has seen, before normalization: Side*Side*3, RGB; nil as above
	Side       int       // rows and columns of Pixels
	Map        *ClassMap // with Explain; nil otherwise and if the image cannot be read
}

// ClassMap says where in an image a network sees a class: Grad-CAM (https://arxiv.org/abs/1610.02391), see
// [backend.Network.GradCAM].
type ClassMap struct {
	Class         ClassProbability // that is explained
	Values        []float32        // Height*Width, row-major, at least 0: importance of each place
	Height, Width int              // of the last feature map
}

// PredictImages classifies images, such as those of [Inputs], and yields their results in their order while later ones are
// decoded: at most four batches ahead, whatever the number of images. An image that cannot be read has an Error. Any other error,
// also that of ctx, is the last thing that it yields, with the zero Predicted.
func PredictImages(ctx context.Context, c PredictConfig, images *data.Dataset) iter.Seq2[Predicted, error] {
	return func(yield func(Predicted, error) bool) {
		c.BatchSize = max(1, min(cmp.Or(c.BatchSize, 32), images.Len()))
		err := c.validate()
		if err == nil {
			slots := data.LoaderOptions{BatchSize: c.BatchSize, Workers: workers(c.Workers, c.Device)}.Slots(max(1, images.Len()))
			err = c.runSlots(ctx, nil, slots, func(p *predictor) error { return p.predictAll(ctx, c, images, yield) })
		}
		if err != nil && !errors.Is(err, errStopped) {
			if _, wrong := errors.AsType[*validate.Error](err); !wrong {
				err = fmt.Errorf("classify: %w", err)
			}
			yield(Predicted{}, err)
		}
	}
}

// errStopped ends the predictions when the caller's loop ends.
var errStopped = errors.New("stopped")

// validate names every wrong field.
func (c PredictConfig) validate() error {
	var v validate.Collector
	c.Options.WithDefaults().Collect(&v)
	checkLoading(&v, c.BatchSize, c.Workers)
	v.Check(c.Threshold >= 0 && c.Threshold <= 1, "threshold", c.Threshold, "must be 0 to 1, such as 0.5 for 50 %")
	return v.Err()
}

// predictAll yields the predictions of all images.
func (p *predictor) predictAll(ctx context.Context, c PredictConfig, images *data.Dataset, yield func(Predicted, error) bool) error {
	explained, err := p.explained(c)
	if err != nil || images.Len() == 0 {
		return err
	}
	loader, err := data.NewLoader(images, data.LoaderOptions{BatchSize: c.BatchSize, Workers: workers(c.Workers, c.Device), Preprocess: p.weights.Preprocess})
	if err != nil {
		return err
	}
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
		results, err := p.batch(c, b, images, explained)
		if err != nil {
			return err
		}
		for _, r := range inOrder(b, images, c.BatchSize, results) {
			r.Classes, r.MultiLabel = p.weights.Classes, p.weights.MultiLabel()
			if !yield(r, nil) {
				return errStopped
			}
		}
	}
}

// explained is the index of the class that is explained, -1 for the most probable one.
func (p *predictor) explained(c PredictConfig) (int, error) {
	if !c.Explain || c.ExplainClass == "" {
		return -1, nil
	}
	i := slices.Index(p.weights.Classes, c.ExplainClass)
	if i < 0 {
		return 0, fmt.Errorf("no class %q: %s", c.ExplainClass, suggest.OneOf(c.ExplainClass, p.weights.Classes))
	}
	return i, nil
}

// batch classifies the images of a batch that could be read.
func (p *predictor) batch(c PredictConfig, b *data.Batch, images *data.Dataset, explained int) ([]Predicted, error) {
	if b.N == 0 {
		return nil, nil
	}
	pixels := backend.Pixels(b, p.weights.Preprocess)
	logits, err := p.logits(func(s *autograd.Scope) *autograd.Tensor { return p.inference.ForwardPixels(s, pixels) })
	if err != nil {
		return nil, err
	}
	results, classes, size := make([]Predicted, b.N), len(logits)/b.N, 3*b.Height*b.Width
	for i, sample := range b.Samples {
		path, row := images.Samples[sample].Path, logits[i*classes:(i+1)*classes]
		for _, x := range row {
			if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
				return nil, fmt.Errorf("the logits of %s are not finite: the weights are damaged or their training diverged", data.ShowName(path))
			}
		}
		results[i] = Predicted{Prediction: Prediction{Image: path}, Index: sample, Logits: row, Pixels: b.Pixels[i*size : (i+1)*size], Side: b.Width}
		results[i].Top = p.classes(row, cmp.Or(c.Top, p.top()))
	}
	if c.Explain {
		if err := p.explain(pixels, explained, results); err != nil {
			return nil, err
		}
	}
	for i := range results {
		results[i].Top = slices.DeleteFunc(results[i].Top, func(t ClassProbability) bool { return t.Probability < c.Threshold })
	}
	return results, nil
}

// explain adds the maps of a class, -1: the most probable one of each image.
func (p *predictor) explain(pixels autograd.Pixels, class int, results []Predicted) error {
	of, probabilities := make([]int, len(results)), Probabilities(p.weights)
	for i, r := range results {
		if of[i] = class; class < 0 {
			of[i] = slices.Index(r.Logits, slices.Max(r.Logits))
		}
		results[i].Map = &ClassMap{Class: ClassProbability{Class: p.weights.Classes[of[i]], Index: of[i], Probability: probabilities(r.Logits)[of[i]]}}
	}
	return p.scope.Sub(func(s *autograd.Scope) error {
		maps, height, width, err := p.network.GradCAM(s, pixels, of)
		if err != nil {
			return err
		}
		for i := range results {
			m := results[i].Map
			m.Values, m.Height, m.Width = maps[i*height*width:(i+1)*height*width], height, width
		}
		return nil
	})
}

// inOrder adds the images of a batch that cannot be read at their places.
func inOrder(b *data.Batch, images *data.Dataset, size int, results []Predicted) []Predicted {
	first := b.Index * size
	all := make([]Predicted, 0, len(results)+len(b.Skipped))
	skipped := b.Skipped
	for i := first; i < min(first+size, images.Len()); i++ {
		if len(results) > 0 && results[0].Index == i {
			all, results = append(all, results[0]), results[1:]
			continue
		}
		all = append(all, Predicted{Prediction: Prediction{Image: images.Samples[i].Path, Error: skipped[0].String()}, Index: i, Side: b.Width})
		skipped = skipped[1:]
	}
	return all
}
