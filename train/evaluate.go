package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/data"
	"depthwise.dev/internal/host"
	"depthwise.dev/models/mobilenet"
)

// EvalConfig says what is measured on what.
type EvalConfig struct {
	// Weights is a file or a run's folder, see [ReadWeights].
	Weights string
	// Raw takes the plain weights where there is an average of them, see [Weights.Plain].
	Raw bool
	// Data is a data set, whose val/ is taken, or one split's folder.
	Data string
	// BatchSize and Workers as in [Config].
	BatchSize, Workers int
	// Threads that compute. 0: one for each physical core.
	Threads int
	// Precision is fp32, bf16 or auto, Device cpu, cuda, cuda:N or auto, Kernels fused, torch or auto ("").
	Precision, Device, Kernels string
	// Limit ends the evaluation after about so many images, a whole number of batches. 0: all.
	Limit int
}

// EvalResult is what Evaluate measures. Accuracies are fractions, the loss is cross entropy without smoothing.
type EvalResult struct {
	Top1            float64        `json:"top1"`
	Top5            float64        `json:"top5"`
	Loss            float64        `json:"loss"`
	Images          int            `json:"images"`
	ImagesPerSecond float64        `json:"img_per_s"`
	Unknown         []string       `json:"unknown_classes,omitempty"` // folders that the weights have no class for; left out
	Missing         []string       `json:"missing_classes,omitempty"` // classes of the weights that the folder lacks
	Skipped         []data.Problem `json:"skipped,omitempty"`         // images that cannot be read
}

// Evaluate measures trained weights on a folder of images. Classes are matched by name.
func Evaluate(ctx context.Context, c EvalConfig) (EvalResult, error) {
	if err := c.validate(); err != nil {
		return EvalResult{}, err
	}
	w, err := readWeights(c.Weights, c.Raw)
	if err != nil {
		return EvalResult{}, err
	}
	all, err := w.validationImages(ctx, c.Data)
	if err != nil {
		return EvalResult{}, err
	}
	var result EvalResult
	var images *data.Dataset
	images, result.Unknown, result.Missing = all.Match(w.Classes)
	if images.Len() == 0 {
		return EvalResult{}, fmt.Errorf("train: evaluate: no folder of %s has the name of one of the weights' classes, such as %q; is this the data set that they were trained on?", all.Root, w.Classes[0])
	}
	loader, err := data.NewLoader(images, data.LoaderOptions{BatchSize: c.BatchSize, Workers: workersOr(c.Workers), Preprocess: w.Preprocess})
	if err != nil {
		return EvalResult{}, err
	}
	err = autograd.Run(ctx, func(s *autograd.Scope) error {
		m, err := newMachine(s, c.compute())
		if err != nil {
			return err
		}
		network, err := w.network(s, m)
		if err != nil {
			return err
		}
		start := time.Now()
		e := evaluation{machine: m, networks: []*mobilenet.Network{network}, preprocess: w.Preprocess, limit: c.Limit}
		scores, err := e.run(ctx, s, loader)
		score := scores[0]
		result.Top1, result.Top5, result.Loss = score.rates()
		result.Images, result.Skipped = score.images, score.skipped
		result.ImagesPerSecond = float64(score.images) / time.Since(start).Seconds()
		return err
	})
	if err != nil {
		return EvalResult{}, fmt.Errorf("train: evaluate: %w", err)
	}
	return result, nil
}

// validationImages opens the val part, or one split's folder or shards; of data that the weights were trained on with
// --val-split, the images that were kept from training, found again by share and seed.
func (w Weights) validationImages(ctx context.Context, name string) (*data.Dataset, error) {
	source, err := DataSource(ctx, name)
	if err != nil {
		return nil, err
	}
	if share, err := strconv.ParseFloat(w.Meta[metaValSplit], 64); err == nil {
		source.ValSplit = share
		if source.Seed, err = strconv.ParseUint(w.Meta[metaSeed], 10, 64); err != nil {
			return nil, fmt.Errorf("train: evaluate: its metadata %q: %w", metaSeed, err)
		}
	}
	return source.OpenVal(ctx)
}

func workersOr(n int) int {
	if n < 0 {
		return host.PhysicalCores()
	}
	return n
}

// evaluation runs a network over a data set.
type evaluation struct {
	machine
	networks   []*mobilenet.Network // each on every image
	preprocess data.Preprocess
	limit      int                       // images, 0: all
	tell       func(batch, of int) error // after each batch; may be nil
}

// score is what an evaluation adds up.
type score struct {
	images, top1, top5 int
	loss               float64 // the sum over images
	skipped            []data.Problem
}

func (c score) rates() (top1, top5, loss float64) {
	n := float64(max(c.images, 1))
	return float64(c.top1) / n, float64(c.top5) / n, c.loss / n
}

// run evaluates all batches of the loader and scores each network. It ends early with ctx's error.
func (e evaluation) run(ctx context.Context, s *autograd.Scope, loader *data.Loader) ([]score, error) {
	totals := make([]score, len(e.networks))
	err := s.Sub(func(s *autograd.Scope) error { return e.batches(ctx, s, loader, totals) })
	return totals, err
}

func (e evaluation) batches(ctx context.Context, s *autograd.Scope, loader *data.Loader, totals []score) error {
	inferences := make([]*mobilenet.Inference, len(e.networks))
	for i, network := range e.networks {
		inferences[i] = e.inference(s, network)
	}
	batches := loader.Epoch(ctx, 0, 0)
	defer batches.Close()
	for e.limit == 0 || totals[0].images < e.limit {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		for i, inference := range inferences {
			if err := e.add(s, inference, b, &totals[i]); err != nil {
				return err
			}
		}
		if e.tell != nil {
			if err := e.tell(b.Index+1, loader.Batches()); err != nil {
				return err
			}
		}
	}
	if totals[0].images == 0 {
		return errors.New("no image of the data set could be read")
	}
	return nil
}

// add computes one batch.
func (e evaluation) add(s *autograd.Scope, inference *mobilenet.Inference, b *data.Batch, total *score) error {
	total.skipped = append(total.skipped, b.Skipped...)
	if b.N == 0 {
		return nil
	}
	return s.Sub(func(s *autograd.Scope) error {
		logits := autograd.ToSlice[float32](s, inference.ForwardPixels(s, pixelsOf(b, e.preprocess)))
		if s.Err() != nil {
			return s.Err()
		}
		classes := len(logits) / b.N
		for i, label := range b.Labels {
			row := logits[i*classes : (i+1)*classes]
			r := rank(row, int(label))
			total.images++
			total.top1 += atMost(r, 1)
			total.top5 += atMost(r, 5)
			total.loss += crossEntropy(row, int(label))
		}
		return nil
	})
}

// rank is the place of a class among the logits, 1 for the greatest; ties count against it, and so does what is not a number.
func rank(logits []float32, class int) int {
	place := 1
	for i, v := range logits {
		if i != class && !(v < logits[class]) {
			place++
		}
	}
	return place
}

func atMost(place, limit int) int {
	if place <= limit {
		return 1
	}
	return 0
}

// crossEntropy is -log softmax(logits)[class], in float64.
func crossEntropy(logits []float32, class int) float64 {
	greatest := math.Inf(-1)
	for _, v := range logits {
		greatest = max(greatest, float64(v))
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - greatest)
	}
	return math.Log(sum) + (greatest - float64(logits[class]))
}
