package classify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/data/shards"
	"depthwise.dev/formats"
	"depthwise.dev/internal/validate"
	"depthwise.dev/metrics"
	"depthwise.dev/weights"
)

// EvalConfig says which weights are evaluated on which images.
type EvalConfig struct {
	// Weights is a file or a run's folder, see [formats.Read].
	Weights string
	// Raw selects the last weights of training in place of their average, see
	// [weights.Weights.Plain].
	Raw bool
	// Reading says how Weights of other tools are read.
	Reading formats.ReadOptions
	// Data is a data set, whose val/ is evaluated, or the folder of one split.
	Data string
	// Remote opens Data where it is an address; see package data/remote. nil: Data must be local.
	Remote shards.Remote
	// BatchSize is the number of images in a batch. 0: 32.
	BatchSize int
	// Workers that decode images. 0: decode in the evaluation loop. -1: one for each physical core.
	Workers int
	backend.Options
	// Limit stops after about this number of images, a whole number of batches. 0: all.
	Limit int
	// TTA is the test-time augmentation, one of [TTAs]. "": none.
	TTA string
	// Compare names other weights that are evaluated on the same images, by the same options. "": none.
	Compare string
	// Predictions is a CSV file to write with a row for each image, see [writePredictions]. "": none.
	Predictions string
	// Thresholds is a file to write multi-label weights to, with the thresholds that are best on these images. "": none.
	Thresholds string
	// Images, LabelDelimiter say how a CSV file is read, see [datasets.Source].
	Images, LabelDelimiter string
	// Calibrated is a file to write the weights to, calibrated by temperature scaling on these images. "": none.
	Calibrated string
}

// Evaluate measures the accuracy of trained weights on a data set. Classes are matched by name, those of weights without
// names by the order of the folders.
func Evaluate(ctx context.Context, c EvalConfig) (EvalResult, error) {
	if err := c.validate(); err != nil {
		return EvalResult{}, err
	}
	if err := c.keepsWeights(); err != nil {
		return EvalResult{}, err
	}
	if c.Thresholds != "" {
		return EvalResult{}, errors.New("classify: --thresholds are those of multi-label weights, and these predict one class for each image; --calibrated calibrates their probabilities")
	}
	e, err := measure(ctx, c)
	if err != nil {
		return EvalResult{}, err
	}
	if e.weights.MultiLabel() {
		return EvalResult{}, errTask
	}
	result := e.result()
	if c.Compare != "" {
		if result.Comparison, err = compare(ctx, c, e); err != nil {
			return EvalResult{}, err
		}
	}
	if c.Predictions != "" {
		if err := writePredictions(c.Predictions, e); err != nil {
			return EvalResult{}, err
		}
	}
	if c.Calibrated != "" {
		if err := e.checkFinite(); err != nil {
			return EvalResult{}, err
		}
		t := result.Calibration.Temperature
		if metrics.AtLimit(t) {
			return EvalResult{}, fmt.Errorf("classify: %s: no temperature is best on these %d images, of which %.0f %% are classified correctly; calibrate on more and harder images",
				data.ShowName(c.Calibrated), result.Images, 100*result.Top1)
		}
		return result, writeCalibrated(c.Calibrated, e.weights, t)
	}
	return result, nil
}

// keepsWeights refuses a file of calibrated weights, or of those with thresholds, that would replace those that are read.
func (c EvalConfig) keepsWeights() error {
	for _, written := range []string{c.Calibrated, c.Thresholds} {
		for _, read := range []string{c.Weights, c.Compare} {
			if written == "" || read == "" {
				continue
			}
			if err := formats.CheckNotWeights(read, written); err != nil {
				return err
			}
		}
	}
	return nil
}

// measured is an evaluation that has run.
type measured struct {
	weights  weights.Weights
	machine  backend.Machine
	images   *data.Dataset
	outcomes []Outcome
	samples  []int     // of multi-label images: their indices in the order of evaluation
	logits   []float32 // (images, classes) in the order of outcomes, nil if they were too many to keep
	score    Score
	base     EvalResult // fields that are known without outcomes
}

// maxKeptLogits bounds the memory for the logits that the temperature is computed from, and its time: 64 MB, ten seconds on a
// core. ImageNet's validation images have three times as many; they are kept where the temperature is asked for.
const maxKeptLogits = 1 << 24

// measure evaluates weights.
func measure(ctx context.Context, c EvalConfig) (*measured, error) {
	w, err := read(c.Weights, c.Raw, c.Reading)
	if err != nil {
		return nil, err
	}
	all, which, err := validationImages(ctx, w, c)
	if err != nil {
		return nil, err
	}
	nameClasses(&w, all, c.Reading)
	e := &measured{weights: w, base: EvalResult{Measured: which, LeftOut: all.Problems, TTA: c.TTA}}
	if err := e.checkTask(all); err != nil {
		return nil, err
	}
	e.images, e.base.Unknown, e.base.Missing = all.Match(folderNames(w, all.Classes))
	if e.images.Len() == 0 {
		what, where := "folder", all.Root
		if all.List != "" {
			what, where = "label", all.List
		}
		return nil, fmt.Errorf("classify: no %s of %s has the name of a class of the weights, such as \"%s\"; is this the data set that they were trained on?", what, data.ShowName(where), data.ShowName(w.Classes[0]))
	}
	if err := autograd.Run(ctx, func(s *autograd.Scope) error { return e.run(ctx, s, c) }); err != nil {
		err = e.machine.MemoryError(err, e.weights.Graph, min(cmp.Or(c.BatchSize, 32), e.images.Len()), "--batch-size")
		return nil, fmt.Errorf("classify: %w", err)
	}
	return e, nil
}

// run loads the network and evaluates all batches.
func (e *measured) run(ctx context.Context, s *autograd.Scope, c EvalConfig) error {
	options := data.LoaderOptions{BatchSize: min(cmp.Or(c.BatchSize, 32), e.images.Len()), Workers: workers(c.Workers, c.Device), Preprocess: e.weights.Preprocess}
	m, err := backend.NewMachine(s, e.weights.Graph, c.Options)
	if err != nil {
		return err
	}
	e.machine = m
	if err := m.CheckInference(e.weights.Graph, options.BatchSize, options.Slots(e.images.Len())); err != nil {
		return err
	}
	loader, err := data.NewLoader(e.images, options)
	if err != nil {
		return err
	}
	network, err := m.Load(s, e.weights)
	if err != nil {
		return err
	}
	keep := c.Calibrated != "" || e.images.Len()*len(e.weights.Classes) <= maxKeptLogits
	start := time.Now()
	scores, err := Evaluation{Machine: m, Networks: []*backend.Network{network}, Preprocess: e.weights.Preprocess, Limit: c.Limit, TTA: c.TTA, MultiLabel: e.weights.MultiLabel(),
		Each: func(_ int, o Outcome, logits []float32) {
			e.outcomes = append(e.outcomes, o)
			if keep {
				e.logits = append(e.logits, logits...)
			}
		}}.Run(ctx, s, loader)
	e.score, e.samples = scores[0], scores[0].samples
	e.base.ImagesPerSecond = float64(e.score.Images) / time.Since(start).Seconds()
	return err
}

// validate names every wrong field.
func (c EvalConfig) validate() error {
	var v validate.Collector
	c.Options.WithDefaults().Collect(&v)
	checkLoading(&v, c.BatchSize, c.Workers)
	v.Check(c.Limit >= 0, "limit", c.Limit, "must be at least 1, or 0 for all images")
	v.Check(c.TTA == "" || slices.Contains(TTAs, c.TTA), "tta", c.TTA, "must be one of "+strings.Join(TTAs, ", "))
	v.Check(c.Calibrated == "" || c.TTA == "" || c.TTA == TTANone, "tta", c.TTA, "cannot be combined with calibrated weights: their temperature is that of single views")
	return v.Err()
}

// checkLoading checks how images are loaded.
func checkLoading(v *validate.Collector, batchSize, workers int) {
	v.Check(batchSize >= 0, "batch_size", batchSize, "must be at least 1, or 0 for 32")
	v.Check(workers >= -1 && workers <= data.MaxWorkers, "workers", workers, fmt.Sprintf("must be 0 to %d, or auto (-1 in a program) for the physical cores", data.MaxWorkers))
}

// read reads weights, and of a weight average the average or the last weights of training.
func read(path string, raw bool, o formats.ReadOptions) (weights.Weights, error) {
	w, err := formats.ReadWith(path, o)
	if raw {
		w = w.Plain()
	}
	return w, err
}

// workers is the number of decoding threads; -1 means the default for the device.
func workers(n int, device string) int {
	if n < 0 {
		return backend.Workers(device)
	}
	return n
}
