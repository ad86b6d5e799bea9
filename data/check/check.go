// Package check finds the problems of a data set before training: unreadable and damaged images,
// duplicates in train and val, classes that are empty, unbalanced or in one part only.
package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"depthwise.dev/data"
	"depthwise.dev/data/datasets"
	"depthwise.dev/internal/host"
	"depthwise.dev/internal/redact"
)

// Options configures a check.
type Options struct {
	Workers  int                     // goroutines that read images; 0: one per processor
	Examples int                     // maximum number of paths in a finding; 0: 1000
	Progress func(done, total int64) // images; may be nil
	Loader   data.LoaderOptions      // how training loads images, to measure it; the zero value: not measured
}

// Report describes a data set and its problems.
type Report struct {
	Root     string        `json:"root"`
	Images   int           `json:"images"`
	Bytes    int64         `json:"bytes"`
	Splits   []SplitReport `json:"splits"`
	Formats  []Count       `json:"formats"`
	Smallest [2]int        `json:"smallest"` // width, height
	Median   [2]int        `json:"median"`   // of widths and of heights
	Largest  [2]int        `json:"largest"`
	Mean     [3]float64    `json:"mean"` // of pixels in 0..1, R, G, B, each image resized to 224x224
	Std      [3]float64    `json:"std"`
	Loading  float64       `json:"loading_img_s"` // images per second of the loader on this machine
	Findings []Finding     `json:"findings"`      // the most serious first
	Seconds  float64       `json:"seconds"`       // of the check
}

// SplitReport is one part of a data set: train, val, test, or all.
type SplitReport struct {
	Name     string  `json:"name"`
	Images   int     `json:"images"`
	Classes  int     `json:"classes"`
	Smallest Count   `json:"smallest_class"` // of the classes with an image
	Largest  Count   `json:"largest_class"`
	Counts   []Count `json:"counts"` // of each class
}

// Count is a number of images.
type Count struct {
	Name   string `json:"name"`
	Images int    `json:"images"`
}

// Severity is the importance of a finding.
type Severity string

// Serious findings prevent training, lose images, or make the measured accuracy wrong. Warnings should
// be reviewed. Notes are information.
const (
	Serious Severity = "serious"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Finding is one kind of problem.
type Finding struct {
	Severity Severity  `json:"severity"`
	Kind     string    `json:"kind"`
	Count    int       `json:"count"`
	Text     string    `json:"text"` // the problem, and what to do
	Examples []Example `json:"examples,omitempty"`
}

// Example is a file or folder of a finding. Its JSON writes bytes of the path that are not UTF-8 as \xe9.
type Example struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// MarshalJSON implements [json.Marshaler].
func (e Example) MarshalJSON() ([]byte, error) {
	type plain Example // without methods
	return json.Marshal(plain{data.EscapeName(e.Path), data.ShowName(e.Reason)})
}

// Serious returns the number of kinds of serious findings.
func (r *Report) Serious() int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == Serious {
			n++
		}
	}
	return n
}

// Run checks every image of a data set, in folders or shards. It decodes each image once, in several
// goroutines, and keeps about 60 bytes of each. The findings do not depend on the number of goroutines.
// A data set that training refuses for its layout has a finding and no Splits. It returns an error if
// there is nothing to check, a [data.StorageError], or ctx's error.
func Run(ctx context.Context, s datasets.Source, o Options) (*Report, error) {
	if o.Workers < 1 {
		o.Workers = host.Processors()
	}
	if o.Workers > data.MaxWorkers {
		return nil, fmt.Errorf("data: check: %d workers: must be at most %d", o.Workers, data.MaxWorkers)
	}
	if o.Examples < 1 {
		o.Examples = 1000
	}
	start := time.Now()
	c := &checker{options: o, report: &Report{Root: redact.Address(s.Path)}}
	parts, err := s.Parts(ctx)
	var layout *datasets.LayoutError
	if errors.As(err, &layout) {
		c.find(Serious, "layout", []Example{{layout.Root, layout.Reason}}, "training refuses the folder: its folders are not arranged as classes or as train and val. No image was checked")
		c.report.Root = data.EscapeName(redact.Address(s.Path))
		c.report.Seconds = time.Since(start).Seconds()
		return c.report, nil
	}
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		c.splits = append(c.splits, &checkedSplit{name: p.Name, set: p.Set, empty: p.Empty})
	}
	if err := c.examineAll(ctx); err != nil {
		return nil, err
	}
	c.describe()
	c.judgeFiles()
	c.judgeClasses()
	c.findCopies()
	if err := c.findNearDuplicates(ctx); err != nil {
		return nil, err
	}
	c.sortFindings()
	c.report.Root = data.EscapeName(redact.Address(s.Path))
	c.report.Seconds = time.Since(start).Seconds()
	return c.report, c.timeLoading(ctx)
}

// timeLoading measures the loader on the first part.
func (c *checker) timeLoading(ctx context.Context) (err error) {
	const long = 3 * time.Second
	if set := c.splits[0].set; c.options.Loader.BatchSize > 0 && set.Len() > 0 {
		c.report.Loading, err = measureLoading(ctx, set, c.options.Loader, long)
	}
	return err
}

// checker is the state of a check.
type checker struct {
	options Options
	splits  []*checkedSplit
	pixels  pixelSums
	report  *Report
}

// checkedSplit is a part of the data set with the result of each image.
type checkedSplit struct {
	name    string
	set     *data.Dataset
	empty   []string // class folders without an image
	seen    []examined
	reasons map[int]string // why an image is unreadable or damaged
}
