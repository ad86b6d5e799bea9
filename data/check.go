package data

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"
)

// CheckOptions says how a data set is checked.
type CheckOptions struct {
	Workers  int                     // goroutines that read images; 0: as many as processors
	Examples int                     // paths that a finding lists, at most; 0: 1000
	Progress func(done, total int64) // images; may be nil
	Loader   LoaderOptions           // how training loads, to time it; the zero value: it is not timed
}

// Report is what Check finds: what the data set is, and what will hurt.
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
	Loading  float64       `json:"loading_img_s"` // images a second that the loader makes here
	Findings []Finding     `json:"findings"`      // the worst first
	Seconds  float64       `json:"seconds"`       // that the check took
}

// SplitReport is one part of a data set: train, val, or all.
type SplitReport struct {
	Name     string  `json:"name"`
	Images   int     `json:"images"`
	Classes  int     `json:"classes"`
	Smallest Count   `json:"smallest_class"` // of those with an image
	Largest  Count   `json:"largest_class"`
	Counts   []Count `json:"counts"` // of each class
}

// Count is a number of images.
type Count struct {
	Name   string `json:"name"`
	Images int    `json:"images"`
}

// Severity says how much a finding hurts.
type Severity string

// Serious findings keep training from starting, leave images out, or make its figures
// wrong. Warnings are worth a look. Notes are good to know.
const (
	Serious Severity = "serious"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Finding is one kind of trouble.
type Finding struct {
	Severity Severity  `json:"severity"`
	Kind     string    `json:"kind"`
	Count    int       `json:"count"`
	Text     string    `json:"text"` // what it is, and what to do
	Examples []Example `json:"examples,omitempty"`
}

// Example is a file or folder of a finding.
type Example struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
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

// Check looks at every image of a data set, folders or shards, and says what will hurt
// before training does. It decodes each image once, by several goroutines, and keeps
// about 60 bytes of each. What it finds does not depend on their number. Errors: nothing
// is there to check, a [StorageError], ctx's.
func Check(ctx context.Context, s Source, o CheckOptions) (*Report, error) {
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Examples < 1 {
		o.Examples = 1000
	}
	start := time.Now()
	splits, err := s.splitsToCheck(ctx)
	if err != nil {
		return nil, err
	}
	c := &checkup{options: o, report: &Report{Root: s.Path}, splits: splits}
	if err := c.examineAll(ctx); err != nil {
		return nil, err
	}
	c.describe()
	c.judgeFiles()
	c.judgeClasses()
	c.findCopies()
	if err := c.findLookalikes(ctx); err != nil {
		return nil, err
	}
	c.sortFindings()
	c.report.Seconds = time.Since(start).Seconds()
	return c.report, c.timeLoading(ctx)
}

// timeLoading measures the loader on the first split.
func (c *checkup) timeLoading(ctx context.Context) (err error) {
	const long = 3 * time.Second
	if set := c.splits[0].set; c.options.Loader.BatchSize > 0 && set.Len() > 0 {
		c.report.Loading, err = measureLoading(ctx, set, c.options.Loader, long)
	}
	return err
}

// checkup is a check in the making.
type checkup struct {
	options CheckOptions
	splits  []*checkedSplit
	pixels  pixelSums
	report  *Report
}

// checkedSplit is a part of the data set with what was seen of each image.
type checkedSplit struct {
	name    string
	set     *Dataset
	empty   []string // class folders without an image
	seen    []examined
	reasons map[int]string // why an image is unreadable or damaged
}

// splitsToCheck lists train and val, or all. Unlike [Source.Open] it takes what is there:
// what is missing is a finding.
func (s Source) splitsToCheck(ctx context.Context) ([]*checkedSplit, error) {
	shards, ok, err := s.findShards(ctx)
	if err != nil {
		return nil, err
	}
	if ok {
		return s.shardsToCheck(ctx, shards)
	}
	var splits []*checkedSplit
	for _, name := range []string{"train", "val"} {
		dir := filepath.Join(s.Path, name)
		if !isDir(dir) {
			continue
		}
		set, empty, err := listFolder(dir, s.cache())
		if errors.Is(err, ErrNoClasses) && hasImages(dir) {
			return nil, fmt.Errorf("data: %s: %w", dir, ErrFlatVal)
		}
		if err != nil {
			return nil, err
		}
		splits = append(splits, &checkedSplit{name: name, set: set, empty: empty})
	}
	if splits == nil {
		set, empty, err := listFolder(s.Path, s.cache())
		if err != nil {
			return nil, err
		}
		splits = []*checkedSplit{{name: "all", set: set, empty: empty}}
	}
	return splits, nil
}

func (s Source) shardsToCheck(ctx context.Context, shards shardPaths) ([]*checkedSplit, error) {
	var splits []*checkedSplit
	for _, part := range []struct {
		name  string
		paths []string
	}{{"train", shards.train}, {"val", shards.val}} {
		if len(part.paths) == 0 {
			continue
		}
		set, err := s.openShards(ctx, shards.root, part.paths)
		if err != nil {
			return nil, err
		}
		splits = append(splits, &checkedSplit{name: part.name, set: set})
	}
	if len(splits) == 1 {
		splits[0].name = "all"
	}
	return splits, nil
}
