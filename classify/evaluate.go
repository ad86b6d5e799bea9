package classify

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/data/shards"
	"depthwise.dev/formats"
	"depthwise.dev/internal/host"
	"depthwise.dev/internal/validate"
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
}

// EvalResult is the result of Evaluate. Accuracies are fractions; the loss is cross entropy without
// label smoothing.
type EvalResult struct {
	Top1            float64        `json:"top1"`
	Top5            float64        `json:"top5"`
	Loss            float64        `json:"loss"`
	Images          int            `json:"images"`
	ImagesPerSecond float64        `json:"img_per_s"`
	Measured        string         `json:"measured,omitempty"`        // which images, if training divided its data set (--val-split)
	Unknown         []string       `json:"unknown_classes,omitempty"` // class folders unknown to the weights; skipped
	Missing         []string       `json:"missing_classes,omitempty"` // classes of the weights without a folder
	Skipped         []data.Problem `json:"skipped,omitempty"`         // unreadable images
	LeftOut         []data.Problem `json:"left_out,omitempty"`        // files and folders that are not used, and class folders without an image
}

// Evaluate measures the accuracy of trained weights on a data set. Classes are matched by name, those of weights without
// names by the order of the folders.
func Evaluate(ctx context.Context, c EvalConfig) (EvalResult, error) {
	if err := c.validate(); err != nil {
		return EvalResult{}, err
	}
	w, err := read(c.Weights, c.Raw, c.Reading)
	if err != nil {
		return EvalResult{}, err
	}
	all, which, err := validationImages(ctx, w, c)
	if err != nil {
		return EvalResult{}, err
	}
	nameClasses(&w, all, c.Reading)
	result := EvalResult{Measured: which}
	var images *data.Dataset
	images, result.Unknown, result.Missing = all.Match(folderNames(w, all.Classes))
	result.LeftOut = all.Problems
	if images.Len() == 0 {
		return EvalResult{}, fmt.Errorf("classify: no folder of %s has the name of a class of the weights, such as \"%s\"; is this the data set that they were trained on?", data.ShowName(all.Root), data.ShowName(w.Classes[0]))
	}
	options := data.LoaderOptions{BatchSize: min(cmp.Or(c.BatchSize, 32), images.Len()), Workers: workers(c.Workers), Preprocess: w.Preprocess}
	err = autograd.Run(ctx, func(s *autograd.Scope) error {
		m, err := backend.NewMachine(s, w.Graph, c.Options)
		if err != nil {
			return err
		}
		if err := m.InferenceMemory(w.Graph, options.BatchSize, options.Slots(images.Len())).Check(); err != nil {
			return err
		}
		loader, err := data.NewLoader(images, options)
		if err != nil {
			return err
		}
		network, err := m.Load(s, w)
		if err != nil {
			return err
		}
		start := time.Now()
		e := Evaluation{Machine: m, Networks: []*backend.Network{network}, Preprocess: w.Preprocess, Limit: c.Limit}
		scores, err := e.Run(ctx, s, loader)
		score := scores[0]
		result.Top1, result.Top5, result.Loss = score.Rates()
		result.Images, result.Skipped = score.Images, score.Skipped
		result.ImagesPerSecond = float64(score.Images) / time.Since(start).Seconds()
		return err
	})
	if err != nil {
		return EvalResult{}, fmt.Errorf("classify: %w", err)
	}
	return result, nil
}

// validate names every wrong field.
func (c EvalConfig) validate() error {
	var v validate.Collector
	c.Options.WithDefaults().Collect(&v)
	checkLoading(&v, c.BatchSize, c.Workers)
	v.Check(c.Limit >= 0, "limit", c.Limit, "must be at least 1, or 0 for all images")
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

func workers(n int) int {
	if n < 0 {
		return host.PhysicalCores()
	}
	return n
}
