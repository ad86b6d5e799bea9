package classify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"depthwise.dev/data"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/metrics"
)

// MultiLabelResult is the result of [EvaluateMultiLabel]. Its measures are fractions; the loss is binary cross entropy
// without label smoothing, the mean over images and classes.
type MultiLabelResult struct {
	// MAP is the mean of the classes' average precisions, over the classes that have images.
	MAP float64 `json:"map"`
	// MAPInterval is its confidence interval of 95 %, by the bootstrap over images; nil: too many to compute it.
	MAPInterval *metrics.Interval `json:"map_interval,omitempty"`
	Loss        float64           `json:"loss"`
	// Micro is of all decisions together, Macro the mean over the classes, Exact the fraction of images whose classes are
	// all predicted, and no other: at the thresholds of the weights.
	Micro metrics.ClassScore `json:"micro"`
	Macro metrics.ClassScore `json:"macro"`
	Exact float64            `json:"exact"`
	// BestMacroF1 is the macro F1 at the thresholds that are best on these images.
	BestMacroF1     float64 `json:"best_macro_f1"`
	Images          int     `json:"images"`
	ImagesPerSecond float64 `json:"img_per_s"`
	TTA             string  `json:"tta,omitempty"`
	// OwnThresholds: the weights record thresholds; otherwise all are 0.5.
	OwnThresholds bool              `json:"own_thresholds"`
	Classes       []MultiLabelClass `json:"classes"` // in the order of the logits

	Measured string         `json:"measured,omitempty"`        // as of [EvalResult]
	Unknown  []string       `json:"unknown_classes,omitempty"` // labels unknown to the weights
	Missing  []string       `json:"missing_classes,omitempty"` // classes of the weights that no image has
	Skipped  []data.Problem `json:"skipped,omitempty"`
	LeftOut  []data.Problem `json:"left_out,omitempty"`
}

// MultiLabelClass holds the measures of a class.
type MultiLabelClass struct {
	Class string `json:"class"`
	// AP is the average precision; null of a class without an image.
	AP *float64 `json:"average_precision"`
	metrics.ClassScore
	Threshold     float64 `json:"threshold"`      // at which those are
	BestThreshold float64 `json:"best_threshold"` // with the highest F1 on these images
	BestF1        float64 `json:"best_f1"`
}

// IsMultiLabel reads the weights of an evaluation and reports whether [EvaluateMultiLabel] measures them.
func IsMultiLabel(c EvalConfig) (bool, error) {
	c.Reading.Log = nil // what is said about the weights is said once
	w, err := read(c.Weights, c.Raw, c.Reading)
	return w.MultiLabel(), err
}

// EvaluateMultiLabel measures multi-label weights on a data set: a CSV file, or folders or shards, whose images have one
// label each. Classes are matched by name.
func EvaluateMultiLabel(ctx context.Context, c EvalConfig) (MultiLabelResult, error) {
	if err := cmp.Or(c.validate(), c.refuseForMultiLabel(), c.keepsWeights()); err != nil {
		return MultiLabelResult{}, err
	}
	e, err := measure(ctx, c)
	if err != nil {
		return MultiLabelResult{}, err
	}
	r, err := e.multiLabelResult()
	if err != nil {
		return r, err
	}
	if c.Predictions != "" {
		if err := e.writeMultiLabelPredictions(c.Predictions); err != nil {
			return r, err
		}
	}
	if c.Thresholds != "" {
		return r, e.writeThresholds(c.Thresholds, r)
	}
	return r, nil
}

// refuseForMultiLabel refuses what is defined for one class per image alone.
func (c EvalConfig) refuseForMultiLabel() error {
	if c.Compare != "" {
		return errors.New("classify: --compare tests a difference of top-1 accuracy, which multi-label weights do not have; evaluate both and compare their mAP with its interval")
	}
	if c.Calibrated != "" {
		return errors.New("classify: --calibrated divides logits so that softmax is calibrated, and multi-label weights have no softmax; --thresholds stores the best threshold of each class")
	}
	return nil
}

// checkTask refuses a data set that the weights cannot be measured on.
func (e *measured) checkTask(all *data.Dataset) error {
	if multi := e.weights.MultiLabel(); all.MultiLabel && !multi {
		return fmt.Errorf("classify: images of %s have several labels, or none, and the weights predict one class for each image", data.ShowName(all.List))
	}
	return nil
}

// multiLabelResult computes all measures.
func (e *measured) multiLabelResult() (MultiLabelResult, error) {
	m := e.score.multi
	if err := e.finite(); err != nil {
		return MultiLabelResult{}, err
	}
	thresholds, own, err := e.weights.Thresholds()
	if err != nil {
		return MultiLabelResult{}, fmt.Errorf("classify: %w", err)
	}
	r := MultiLabelResult{Images: e.score.Images, OwnThresholds: own, Skipped: e.score.Skipped, ImagesPerSecond: e.base.ImagesPerSecond, TTA: e.base.TTA,
		Measured: e.base.Measured, Unknown: e.base.Unknown, Missing: e.base.Missing, LeftOut: e.base.LeftOut}
	_, _, r.Loss = e.score.Rates()
	ap, best := m.AveragePrecision(), m.BestThresholds()
	at, atBest := m.At(thresholds), m.At(best)
	r.Micro, r.Macro, r.Exact, r.BestMacroF1 = at.Micro, at.Macro, at.Exact, atBest.Macro.F1
	if r.MAP = metrics.MeanDefined(ap); math.IsNaN(r.MAP) {
		return r, fmt.Errorf("classify: none of the %d images has a class of the weights: there is nothing to measure", r.Images)
	}
	if interval, ok := m.MAPInterval(); ok {
		r.MAPInterval = &interval
	}
	for i, name := range e.weights.Classes {
		c := MultiLabelClass{Class: name, ClassScore: at.Classes[i], Threshold: thresholds[i], BestThreshold: best[i], BestF1: atBest.Classes[i].F1}
		if !math.IsNaN(ap[i]) {
			c.AP = &ap[i]
		}
		r.Classes = append(r.Classes, c)
	}
	return r, nil
}

// finite returns an error that names the first logit that is not finite, which would have a rank among the others.
func (e *measured) finite() error {
	for i, x := range e.score.multi.Scores {
		if v := float64(x); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("classify: the logit of %s for %s is %v: the weights are damaged or their training diverged", data.ShowName(e.weights.Classes[i%e.score.multi.Classes]),
				data.ShowName(e.images.Samples[e.samples[i/e.score.multi.Classes]].Path), x)
		}
	}
	return nil
}

// writeMultiLabelPredictions writes the file of predictions, decided by the thresholds of the weights.
func (e *measured) writeMultiLabelPredictions(path string) error {
	thresholds, _, err := e.weights.Thresholds()
	if err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	var paths []string
	for _, sample := range e.samples {
		paths = append(paths, e.images.Samples[sample].Path)
	}
	p := metrics.NewMultiLabelPredictions(e.score.multi, e.weights.Classes, paths, thresholds)
	if err := atomicfile.Write(path, 0o666, p.Write); err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	return nil
}

// writeThresholds writes the weights with the best threshold of each class. A class without an image keeps its own.
func (e *measured) writeThresholds(path string, r MultiLabelResult) error {
	thresholds := make([]float64, len(r.Classes))
	for i, c := range r.Classes {
		thresholds[i] = c.BestThreshold
		if c.Support == 0 {
			thresholds[i] = c.Threshold
		}
	}
	w := e.weights.Derived()
	if err := w.SetThresholds(thresholds); err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	return w.Write(path)
}

// errTask is returned by [Evaluate] for multi-label weights.
var errTask = errors.New("classify: the weights are multi-label: EvaluateMultiLabel measures them")

// meanSigmoid replaces logits by those of the mean of both probabilities.
func meanSigmoid(logits, other []float32) {
	for i := range logits {
		p := (metrics.Sigmoid(logits[i]) + metrics.Sigmoid(other[i])) / 2
		q := (metrics.Sigmoid(-logits[i]) + metrics.Sigmoid(-other[i])) / 2
		logits[i] = float32(math.Log(p / q))
	}
}
