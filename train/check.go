package train

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
	"depthwise.dev/autograd/oracle/suite"
	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/models/mobilenet"
)

// ErrOutOfBounds is returned by Check, beside a whole report, when a gradient or a value differs by more than it may.
var ErrOutOfBounds = errors.New("out of bounds")

// CheckReport is what Check finds, and all that somebody else needs to find the same.
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
	// checkValues is the least number of values from which a batch normalization takes its statistics: with fewer it
	// amplifies rounding so much that low precision cannot be told from an error.
	checkValues = 16
	// checkActivations is the greatest number of values between the layers, all images together: the check holds three
	// float64 arrays of them, a gigabyte.
	checkActivations = 50 << 20
)

// Check compares the configured network, in every way to compute it that there is, with libtorch in float64: each layer
// in training on the same inputs, and the whole network in training and in evaluation. The arrays are drawn at random:
// initial ones (zeros, ones) would hide errors. There are as many images as given, below zero as few as a check needs;
// with Data they are a training batch, else noise. Progress may be nil.
func Check(ctx context.Context, c Config, images int, progress func(done, total int64)) (CheckReport, error) {
	if images < 0 {
		images = checkImages(c.Model)
	}
	c.BatchSize, c.MixUp, c.CutMix = images, 0, 0
	if err := c.validateCheck(); err != nil {
		return CheckReport{}, err
	}
	r := CheckReport{Images: images, Data: c.Data, Environment: backend.Environment()}
	for _, e := range suite.Engines {
		r.Engines = append(r.Engines, e.Name)
	}
	err := autograd.Run(ctx, func(s *autograd.Scope) error { // all of it on one thread, which SetThreads is for
		m, err := newMachine(s, compute{Precision: "fp32", Device: "cpu", Kernels: "torch", Threads: c.Threads})
		if err != nil {
			return err
		}
		x, labels, err := checkBatch(s, m, &c)
		if err != nil {
			return err
		}
		r.Model, r.Threads = c.Model, m.Threads
		r.Network = fmt.Sprintf("%s %s, width %v, resolution %d, %d classes",
			c.Arch, c.Model.Variant, c.Model.Width, c.Model.Resolution, c.Model.Classes)
		return r.compare(ctx, c, x, labels, progress)
	})
	if err != nil {
		return r, err
	}
	r.Failures = r.Report.Failures()
	r.OK = len(r.Failures) == 0
	if !r.OK {
		return r, fmt.Errorf("train: check: %d comparisons are %w: %s", len(r.Failures), ErrOutOfBounds, r.Failures[0])
	}
	return r, nil
}

// compare fills in the layers and the networks.
func (r *CheckReport) compare(ctx context.Context, c Config, x oracle.Array, labels []int64, progress func(done, total int64)) error {
	total := int64(len(c.Model.Layers()) + 1 + 2) // layers, loss, two networks
	done := int64(0)
	tell := func(string) {
		if progress != nil {
			progress(done, total)
		}
		done++
	}
	var err error
	training := suite.NewNetwork(c.Model, autograd.Training, x, labels)
	if r.Layers, err = suite.CheckLayers(ctx, training, suite.Engines, tell); err != nil {
		return fmt.Errorf("train: check: %w", err)
	}
	for _, n := range []suite.Network{training, suite.NewNetwork(c.Model, autograd.Evaluation, x, labels)} {
		tell("")
		row, err := suite.CheckNetwork(ctx, n, suite.Engines)
		if err != nil {
			return fmt.Errorf("train: check: %w", err)
		}
		r.Networks = append(r.Networks, row)
	}
	tell("")
	return nil
}

// checkImages is the fewest images, at least two, that give every batch normalization enough values.
func checkImages(m mobilenet.Config) int {
	if m.Resolution < 1 {
		return 2 // and an error later
	}
	positions := suite.ValuesPerChannel(m, 1)
	return max(2, (checkValues+positions-1)/positions)
}

// checkBatch is one batch on the host: of the data, or noise.
func checkBatch(s *autograd.Scope, m machine, c *Config) (x oracle.Array, labels []int64, err error) {
	var b *data.Batch
	if c.Data == "" {
		b = synthetic(c)
	} else {
		images, err := openStream(s.Context(), *c)
		if err != nil {
			return x, nil, err
		}
		defer images.Close()
		c.Model.Classes = max(c.Model.Classes, images.classes)
		if b, err = images.next(); err != nil {
			return x, nil, err
		}
	}
	images := m.normalize(s, pixelsOf(b, c.Preprocess()))
	x = oracle.Array{Shape: images.Shape(), Data: autograd.ToSlice[float64](s, images)}
	return x, slices.Clone(b.Labels), s.Err()
}

// validateCheck is Validate for what a check reads.
func (c Config) validateCheck() error {
	var v validator
	v.model(c)
	v.Check(c.BatchSize >= 2, "batch_size", c.BatchSize, "must be at least 2: batch norm needs more than one image")
	v.augmentation(c)
	v.machine(c)
	if err := v.Err(); err != nil {
		return err
	}
	if n := suite.Activations(c.Model, c.BatchSize); n > checkActivations {
		v.Check(false, "batch_size", c.BatchSize, fmt.Sprintf("gives %d million values between the layers, of which "+
			"a check has memory for %d: take a smaller batch size or resolution", n>>20, checkActivations>>20))
	}
	return v.Err()
}
