package classify

import (
	"depthwise.dev/data"
	"depthwise.dev/metrics"
)

// EvalResult is the result of [Evaluate]. Accuracies are fractions; the loss is cross entropy without label smoothing.
type EvalResult struct {
	Top1             float64 `json:"top1"`
	Top5             float64 `json:"top5"`
	BalancedAccuracy float64 `json:"balanced_accuracy"`
	Loss             float64 `json:"loss"`
	// Intervals are confidence intervals of 95 %, by the bootstrap over images.
	Intervals       Intervals `json:"intervals"`
	Images          int       `json:"images"`
	ImagesPerSecond float64   `json:"img_per_s"`
	TTA             string    `json:"tta,omitempty"` // test-time augmentation

	Classes     []ClassResult   `json:"classes"` // in the order of the logits
	Average     metrics.Average `json:"average"` // over the classes
	Calibration Calibration     `json:"calibration"`
	// Confusion counts images by class (rows) and predicted class (columns).
	Confusion  metrics.Confusion `json:"confusion_matrix"`
	Comparison *Comparison       `json:"comparison,omitempty"` // with EvalConfig.Compare

	Measured string         `json:"measured,omitempty"`        // which images, if training divided its data set (--val-split)
	Unknown  []string       `json:"unknown_classes,omitempty"` // class folders unknown to the weights; skipped
	Missing  []string       `json:"missing_classes,omitempty"` // classes of the weights without a folder
	Skipped  []data.Problem `json:"skipped,omitempty"`         // unreadable images
	LeftOut  []data.Problem `json:"left_out,omitempty"`        // files and folders that are not used, and class folders without an image
}

// Intervals holds the confidence intervals of accuracies.
type Intervals struct {
	Top1             metrics.Interval `json:"top1"`
	Top5             metrics.Interval `json:"top5"`
	BalancedAccuracy metrics.Interval `json:"balanced_accuracy"`
}

// ClassResult holds the measures of a class.
type ClassResult struct {
	Class string `json:"class"`
	metrics.ClassScore
}

// Calibration says how well probabilities agree with accuracy.
type Calibration struct {
	ECE  float64       `json:"ece"` // expected calibration error
	Bins []metrics.Bin `json:"bins"`
	// Temperature is the number by which to divide the logits so that the loss is lowest on these images; 0 if there are too
	// many images and classes to compute it unasked.
	Temperature float64 `json:"temperature,omitempty"`
	// ScaledECE is the calibration error on the same images after that.
	ScaledECE float64 `json:"scaled_ece,omitempty"`
}

// result computes all measures.
func (e *measured) result() EvalResult {
	r := e.base
	r.Top1, r.Top5, r.Loss = e.score.Rates()
	r.Images, r.Skipped = e.score.Images, e.score.Skipped
	r.Confusion = metrics.NewConfusion(len(e.weights.Classes))
	for _, o := range e.outcomes {
		r.Confusion[o.Class][o.Predicted]++
	}
	scores := r.Confusion.Classes()
	for i, s := range scores {
		r.Classes = append(r.Classes, ClassResult{e.weights.Classes[i], s})
	}
	r.Average, r.BalancedAccuracy = r.Confusion.Averages(), r.Confusion.BalancedAccuracy()
	r.Intervals, r.Calibration = e.intervals(), e.calibration()
	return r
}

func (e *measured) intervals() Intervals {
	n := len(e.outcomes)
	within := func(rank int) metrics.Interval {
		return metrics.Bootstrap(n, func(sample []int) float64 {
			hits := 0
			for _, i := range sample {
				if e.outcomes[i].Rank <= rank {
					hits++
				}
			}
			return float64(hits) / float64(n)
		})
	}
	right, images := make([]int, len(e.weights.Classes)), make([]int, len(e.weights.Classes))
	balanced := metrics.Bootstrap(n, func(sample []int) float64 {
		clear(right)
		clear(images)
		for _, i := range sample {
			o := &e.outcomes[i]
			images[o.Class]++
			if o.Correct() {
				right[o.Class]++
			}
		}
		return metrics.MeanRecall(right, images)
	})
	return Intervals{within(1), within(5), balanced}
}

func (e *measured) calibration() Calibration {
	confidence, correct := make([]float64, len(e.outcomes)), make([]bool, len(e.outcomes))
	labels := make([]int64, len(e.outcomes))
	for i, o := range e.outcomes {
		confidence[i], correct[i], labels[i] = o.Confidence, o.Correct(), int64(o.Class)
	}
	var c Calibration
	c.ECE, c.Bins = metrics.ECE(confidence, correct)
	if e.logits == nil {
		return c
	}
	c.Temperature = metrics.Temperature(e.logits, labels)
	classes := len(e.weights.Classes)
	row := make([]float32, classes)
	for i, o := range e.outcomes {
		for k, x := range e.logits[i*classes : (i+1)*classes] {
			row[k] = x / float32(c.Temperature)
		}
		confidence[i] = newOutcome(o.Sample, o.Class, row).Confidence
	}
	c.ScaledECE, _ = metrics.ECE(confidence, correct)
	return c
}
