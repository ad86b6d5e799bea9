package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/bench"
	"depthwise.dev/config"
	"depthwise.dev/data/check"
	"depthwise.dev/internal/datasource"
	"depthwise.dev/internal/redact"
)

func newDataCheck() *cobra.Command {
	s, asJSON := newSettings(), false
	cmd := &cobra.Command{
		Use:   "check DIR [flags]",
		Short: "Find problems in a dataset before training",
		Long: `Check every image of a dataset in folders or shards. Reports unreadable, damaged
and suspicious files, duplicates across train and val (the same file, or the
same picture in another size or compression), contradictory labels, class
imbalance, sizes, formats, mean and standard deviation of the pixels, and the
estimated time of an epoch on this machine with the given network.

A test part is checked as well. The exit code is 1 if there are serious
problems, such as folders that are arranged neither as classes nor as train and
val.`,
		Example: `  train data check photos
  train data check imagenet --width 0.5 --resolution 160 --json > check.json`,
		ValidArgsFunction: folderArguments(1),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("data check takes one folder, not %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Data = args[0]
			return checkData(cmd, s, asJSON)
		},
	}
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.IntVar(&s.BatchSize, "batch-size", s.BatchSize, "images per batch, for the estimated time")
		fs.Var(auto[int]{&s.Workers}, "workers", "image decoding threads; results do not depend on it")
		defaultText(fs, "workers", workersDefault)
	})
	listFlags(cmd, &s.Images, &s.LabelDelimiter, "images")
	modelFlags(cmd, &s.Config)
	hardwareFlags(cmd, &s.Precision, &s.Device, &s.Backend, &s.Threads)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// checkResult is what data check prints.
type checkResult struct {
	*check.Report
	Epoch epochTime `json:"epoch"`
}

// epochTime is the estimated time of an epoch on this machine.
type epochTime struct {
	Images    int     `json:"images"`
	Training  float64 `json:"training_img_s"`
	Seconds   float64 `json:"seconds"`
	LimitedBy string  `json:"limited_by"` // training or loading
	// Notes say what disturbed the measurement, such as other processes.
	Notes []string `json:"notes,omitempty"`
}

func checkData(cmd *cobra.Command, s *settings, asJSON bool) error {
	dir := s.Data
	if err := s.resolve(cmd); err != nil {
		return err
	}
	s.Data = ""
	if err := s.ValidateBatch(1, ""); err != nil { // before hours of reading
		return err
	}
	loader := s.LoaderOptions(true)
	source, err := datasource.New(cmd.Context(), dir, s.Remote)
	if err != nil {
		return err
	}
	source.Images, source.LabelDelimiter = s.Images, s.LabelDelimiter
	report, err := check.Run(cmd.Context(), source, check.Options{
		Workers: max(loader.Workers, 1), Progress: progress(cmd.ErrOrStderr(), "check"), Loader: loader,
	})
	if err != nil {
		return err
	}
	result := checkResult{Report: report}
	if len(report.Splits) > 0 {
		if result.Epoch, err = timeEpoch(cmd, s.Config, report); err != nil { // the findings took longer than the estimate
			return errors.Join(show(cmd, asJSON, checkResult{Report: report}, report.Text), err)
		}
	}
	if err := show(cmd, asJSON, result, result.text); err != nil {
		return err
	}
	var serious []string
	for _, f := range report.Findings {
		if f.Severity == check.Serious {
			serious = append(serious, f.Kind)
		}
	}
	if len(serious) > 0 {
		return fmt.Errorf("%s: serious problems found: %s", redact.Address(dir), strings.Join(serious, ", "))
	}
	return nil
}

// timeEpoch measures a few training steps on noise. The slower of training and loading determines
// the time of an epoch, since they overlap.
func timeEpoch(cmd *cobra.Command, c config.Config, r *check.Report) (epochTime, error) {
	e := epochTime{Images: r.Splits[0].Images, LimitedBy: "training"}
	if c.Model.Classes == 0 {
		c.Model.Classes = max(r.Splits[0].Classes, 1)
	}
	c.BatchSize = min(c.BatchSize, max(e.Images, 1)) // as training does
	speed, err := bench.Step(cmd.Context(), c, bench.Steps{Warmup: 1, Count: 3})
	if err != nil {
		return e, err
	}
	e.Training, e.Notes = speed.ImagesPerSecond, speed.Load.Notes(speed.Threads)
	slower := e.Training
	if 0 < r.Loading && r.Loading < slower {
		slower, e.LimitedBy = r.Loading, "loading"
	}
	e.Seconds = float64(e.Images) / slower
	return e, nil
}

func (r checkResult) text() string {
	if len(r.Splits) == 0 {
		return r.Text()
	}
	took := time.Duration(r.Epoch.Seconds * float64(time.Second)).Round(time.Second)
	text := r.Text() + fmt.Sprintf("an epoch of %d images takes about %v, limited by %s (training %.0f img/s, loading %.0f img/s)\n",
		r.Epoch.Images, took, r.Epoch.LimitedBy, r.Epoch.Training, r.Loading)
	for _, note := range r.Epoch.Notes {
		text += "note: " + note + "\n"
	}
	return text
}
