package classify

import (
	"context"
	"fmt"

	"depthwise.dev/data"
	"depthwise.dev/formats"
	"depthwise.dev/metrics"
)

// Comparison is the result of evaluating other weights on the same images.
type Comparison struct {
	Weights string  `json:"weights"` // the other ones
	Images  int     `json:"images"`  // measured with both
	Top1    float64 `json:"top1"`    // of the weights on these images
	Other   float64 `json:"other_top1"`
	// McNemar is the test of whether the difference may be due to chance.
	McNemar metrics.McNemar `json:"mcnemar"`
}

// compare evaluates the other weights. Their images may be others, where both were trained with a validation split of their
// own; those that both measure are compared.
func compare(ctx context.Context, c EvalConfig, first *measured) (*Comparison, error) {
	other := c
	other.Weights, other.Calibrated, other.Limit = c.Compare, "", 0
	if w, err := formats.Read(c.Compare); err == nil && w.Origin == "" {
		other.Reading.Variant = "" // they describe themselves: the variant is that of the first ones
	}
	second, err := measure(ctx, other)
	if err != nil {
		return nil, err
	}
	correct := map[string]bool{}
	for _, o := range second.outcomes {
		correct[second.path(o)] = o.Correct()
	}
	var a, b []bool
	for _, o := range first.outcomes {
		if right, ok := correct[first.path(o)]; ok {
			a, b = append(a, o.Correct()), append(b, right)
		}
	}
	if len(a) == 0 {
		return nil, fmt.Errorf("classify: %s and %s were measured on different images, for training held out others; give the images to measure as DIR/val/CLASS",
			data.ShowName(c.Weights), data.ShowName(c.Compare))
	}
	m := metrics.NewMcNemar(a, b)
	n := float64(len(a))
	return &Comparison{Weights: c.Compare, Images: len(a), Top1: float64(m.Both+m.OnlyFirst) / n, Other: float64(m.Both+m.OnlySecond) / n, McNemar: m}, nil
}

// path identifies the image of an outcome.
func (e *measured) path(o Outcome) string { return e.images.Samples[o.Sample].Path }
