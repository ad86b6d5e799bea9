package diagnose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
	"depthwise.dev/autograd/oracle/suite"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/internal/batches"
	"depthwise.dev/internal/redact"
	"depthwise.dev/internal/validate"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// ErrTolerance is returned by Check, with a complete report, when a gradient or a value exceeds its
// tolerance.
var ErrTolerance = errors.New("beyond the tolerance")

// CheckReport is the result of Check, with everything that is needed to reproduce it.
type CheckReport struct {
	OK          bool             `json:"ok"`
	Network     string           `json:"network"`
	Model       mobilenet.Config `json:"model"`
	Images      int              `json:"images"`
	Data        string           `json:"data"` // "" for synthetic images
	Threads     int              `json:"threads"`
	Environment []string         `json:"environment"`
	Engines     []string         `json:"engines"`
	suite.Report
	Failures []string `json:"failures"`
}

// Limits of a check.
const (
	// checkValues is the minimum number of values for the statistics of a batch normalization: with fewer
	// it amplifies rounding so much that low precision looks like an error.
	checkValues = 16
	// checkActivations is the maximum number of values between the layers, all images together: the check
	// holds three float64 arrays of them, a gigabyte.
	checkActivations = 50 << 20
)

// Check compares every engine that computes the configured network with libtorch in float64: each layer
// in training on the same inputs, and the whole network in training and in evaluation. Weights are
// random, because initial values (zeros, ones) hide errors. A negative number of images selects the
// smallest batch that a check needs. The batch comes from Data, or is noise. Progress may be nil.
func Check(ctx context.Context, c config.Config, images int, progress func(done, total int64)) (CheckReport, error) {
	if images < 0 {
		images = checkImages(c)
	}
	c.BatchSize, c.MixUp, c.CutMix = images, 0, 0
	if err := validateCheck(c); err != nil {
		return CheckReport{}, err
	}
	r := CheckReport{Images: images, Data: redact.Address(c.Data), Environment: backend.Environment()}
	for _, e := range suite.Engines {
		r.Engines = append(r.Engines, e.Name)
	}
	// One thread of the operating system for all of it, because SetThreads is per thread.
	err := autograd.Run(ctx, func(s *autograd.Scope) error {
		g, err := c.Graph()
		if err != nil {
			return err
		}
		m, err := referenceMachine(s, g, c.Threads)
		if err != nil {
			return err
		}
		x, labels, err := checkBatch(s, m, &c)
		if err != nil {
			return err
		}
		if g, err = c.Graph(); err != nil { // with the classes of the batch
			return err
		}
		r.Model, r.Threads, r.Network = c.Model, m.Threads, c.Model.String()
		return r.compare(ctx, g, x, labels, progress)
	})
	if err != nil {
		return r, fmt.Errorf("diagnose: check: %w", err)
	}
	r.Failures = r.Report.Failures()
	r.OK = len(r.Failures) == 0
	if !r.OK {
		return r, fmt.Errorf("diagnose: check: %d comparisons are %w: %s", len(r.Failures), ErrTolerance, r.Failures[0])
	}
	return r, nil
}

// compare sets the layers and the networks of the report.
func (r *CheckReport) compare(ctx context.Context, g *models.Graph, x oracle.Array, labels []int64,
	progress func(done, total int64)) error {
	training := suite.NewNetwork(g, autograd.Training, x, labels)
	total := int64(len(training.Rows()) + 2) // and two networks
	done := int64(0)
	advance := func(string) {
		if progress != nil {
			progress(done, total)
		}
		done++
	}
	var err error
	if r.Layers, err = suite.CheckLayers(ctx, training, suite.Engines, advance); err != nil {
		return err
	}
	for _, n := range []suite.Network{training, suite.NewNetwork(g, autograd.Evaluation, x, labels)} {
		advance("")
		row, err := suite.CheckNetwork(ctx, n, suite.Engines)
		if err != nil {
			return err
		}
		r.Networks = append(r.Networks, row)
	}
	advance("")
	return nil
}

// checkImages returns the smallest batch, at least two images, that gives every batch normalization
// enough values.
func checkImages(c config.Config) int {
	g, err := c.Graph()
	if err != nil {
		return 2 // validation reports what is wrong
	}
	positions := suite.ValuesPerChannel(g, 1)
	return max(2, (checkValues+positions-1)/positions)
}

// referenceMachine is libtorch in float32 on the CPU, for any network.
func referenceMachine(s *autograd.Scope, g *models.Graph, threads int) (backend.Machine, error) {
	return backend.NewMachine(s, g, backend.Options{Precision: "fp32", Device: "cpu", Backend: "torch", Threads: threads})
}

// checkBatch returns one batch on the host, from the data or noise.
func checkBatch(s *autograd.Scope, m backend.Machine, c *config.Config) (x oracle.Array, labels []int64, err error) {
	var b *data.Batch
	if c.Data == "" {
		b = synthetic(c)
	} else {
		source, err := c.Source(s.Context())
		if err != nil {
			return x, nil, err
		}
		stream, err := batches.Open(s.Context(), source, c.TrainOptions(s.Context()))
		if err != nil {
			return x, nil, err
		}
		defer stream.Close()
		if stream.MultiLabel {
			return x, nil, errMultiLabel(c.Data)
		}
		c.Model.Classes = max(c.Model.Classes, stream.Classes)
		if b, err = stream.Next(); err != nil {
			return x, nil, err
		}
	}
	images := m.Normalize(s, backend.Pixels(b, c.Preprocess()))
	x = oracle.Array{Shape: images.Shape(), Data: autograd.ToSlice[float64](s, images)}
	return x, slices.Clone(b.Labels), s.Err()
}

// synthetic returns a batch of noise, of 1000 classes where c has no number.
func synthetic(c *config.Config) *data.Batch {
	c.Model.Classes = cmp.Or(c.Model.Classes, 1000)
	return batches.Synthetic(c.BatchSize, c.Model.Resolution, c.Model.Classes, c.Seed)
}

// validateCheck checks the settings that a check needs.
func validateCheck(c config.Config) error {
	if err := c.ValidateBatch(2, ": batch norm needs more than one image"); err != nil {
		return err
	}
	g, err := c.Graph()
	if err != nil {
		return err
	}
	var v validate.Collector
	if n := float64(suite.Activations(g, 1)) * float64(c.BatchSize); n > checkActivations { // in float64, which cannot overflow
		v.Check(false, "batch_size", c.BatchSize, fmt.Sprintf("gives %.0f million values between the layers, and "+
			"a check has memory for %d: take a smaller batch size or resolution", n/(1<<20), checkActivations>>20))
	}
	return v.Err()
}
