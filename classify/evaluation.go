package classify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/metrics"
)

// Evaluation evaluates networks on a data set.
type Evaluation struct {
	Machine    backend.Machine
	Networks   []*backend.Network // each on every image
	Preprocess data.Preprocess
	Limit      int                       // images; 0: all
	TTA        string                    // test-time augmentation, one of TTAs; "": TTANone
	AfterBatch func(batch, of int) error // called after each batch; nil: not
	// Each, if not nil, receives the outcome of each image with its logits, which it must not keep.
	Each func(network int, o Outcome, logits []float32)
	// MultiLabel: probabilities are sigmoids, for test-time augmentation.
	MultiLabel bool
	// Merge, if not nil, is called for each batch, also one without an image, and each network, with the part of the batch that this
	// process has evaluated and its logits. It returns those of all processes that evaluate the data set together, without pixels.
	Merge func(b *data.Batch, logits []float32) (*data.Batch, []float32, error)
}

// Score sums the results of a network.
type Score struct {
	Images, Top1, Top5 int
	Loss               float64 // the sum over images
	Skipped            []data.Problem
	multi              metrics.MultiLabel // of multi-label images
	samples            []int              // likewise: their indices
}

// Rates returns the accuracies as fractions and the mean loss.
func (c Score) Rates() (top1, top5, loss float64) {
	n := float64(max(c.Images, 1))
	return float64(c.Top1) / n, float64(c.Top5) / n, c.Loss / n
}

// Run evaluates all batches of the loader and scores each network. It returns early with ctx's
// error.
func (e Evaluation) Run(ctx context.Context, s *autograd.Scope, loader *data.Loader) ([]Score, error) {
	totals := make([]Score, len(e.Networks))
	err := s.Sub(func(s *autograd.Scope) error { return e.batches(ctx, s, loader, totals) })
	return totals, err
}

func (e Evaluation) batches(ctx context.Context, s *autograd.Scope, loader *data.Loader, totals []Score) error {
	inferences := make([]backend.Inference, len(e.Networks))
	for i, network := range e.Networks {
		inferences[i] = e.Machine.Inference(s, network)
	}
	batches := loader.Epoch(ctx, 0, 0)
	defer batches.Close()
	for e.Limit == 0 || totals[0].Images < e.Limit {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		for i, inference := range inferences {
			if err := e.add(s, i, inference, b, &totals[i]); err != nil {
				return err
			}
		}
		if e.AfterBatch != nil {
			if err := e.AfterBatch(b.Index+1, loader.Batches()); err != nil {
				return err
			}
		}
	}
	if skipped := totals[0].Skipped; totals[0].Images == 0 && len(skipped) > 0 {
		return fmt.Errorf("none of %d images can be read: %v; repair or replace them", len(skipped), skipped[0])
	}
	if totals[0].Images == 0 {
		return errors.New("no image of the data set could be read")
	}
	return nil
}

// add evaluates one batch by a network.
func (e Evaluation) add(s *autograd.Scope, network int, inference backend.Inference, b *data.Batch, total *Score) error {
	return s.Sub(func(s *autograd.Scope) error {
		b, logits, err := e.evaluated(s, inference, b)
		if err != nil {
			return err
		}
		total.Skipped = append(total.Skipped, b.Skipped...)
		if b.N == 0 {
			return nil
		}
		if len(b.Targets) > 0 {
			total.AddBatch(logits, b)
			return nil
		}
		classes := len(logits) / b.N
		for i, label := range b.Labels {
			row := logits[i*classes : (i+1)*classes]
			o := newOutcome(b.Samples[i], int(label), row)
			total.add(o)
			if e.Each != nil {
				e.Each(network, o, row)
			}
		}
		return nil
	})
}

// evaluated returns a batch with its logits.
func (e Evaluation) evaluated(s *autograd.Scope, inference backend.Inference, b *data.Batch) (*data.Batch, []float32, error) {
	var logits []float32
	var err error
	if b.N > 0 {
		if logits, err = e.logits(s, inference, b); err != nil {
			return nil, nil, err
		}
	}
	if e.Merge == nil {
		return b, logits, nil
	}
	return e.Merge(b, logits)
}

// Add adds the results of images: logits (N, classes) and N labels.
func (c *Score) Add(logits []float32, labels []int64) {
	for i, label := range labels {
		classes := len(logits) / len(labels)
		c.add(newOutcome(0, int(label), logits[i*classes:(i+1)*classes]))
	}
}

func (c *Score) add(o Outcome) {
	c.Images++
	if o.Rank <= 1 {
		c.Top1++
	}
	if o.Rank <= 5 {
		c.Top5++
	}
	c.Loss += o.Loss
}

// crossEntropy returns -log softmax(logits)[class], in float64.
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
