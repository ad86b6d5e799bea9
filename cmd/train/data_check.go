package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/data/check"
	"depthwise.dev/train"
)

func newDataCheck() *cobra.Command {
	s, asJSON := newSettings(), false
	cmd := &cobra.Command{
		Use:   "check DIR",
		Short: "Look for what will hurt before training does",
		Long: `Look at every image of a data set, folders or shards: unreadable, damaged and
suspicious files, copies between train and val (the same file, or the same
picture in another size or compression), labels that contradict each other,
imbalance; sizes, formats, mean and standard deviation of the pixels; and how
long an epoch takes here, with the network that the flags describe.

It ends with 0 when nothing serious was found, 1 when something would hurt.`,
		Example: `  train data check photos
  train data check imagenet --width 0.5 --resolution 160 --json > check.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("data check takes one folder, not %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Data = args[0]
			return checkData(cmd, s, asJSON)
		},
	}
	flagGroup(cmd, "Data", func(fs *pflag.FlagSet) {
		fs.IntVar(&s.BatchSize, "batch-size", s.BatchSize, "images in a batch, of the epoch's time")
		fs.Var(auto[int]{&s.Workers}, "workers", "images that are read at the same time; never changes what is found (auto: one a core)")
	})
	modelFlags(cmd, &s.Config)
	machineFlags(cmd, &s.Precision, &s.Device, &s.Kernels, &s.Threads)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// checkResult is what data check prints.
type checkResult struct {
	*check.Report
	Epoch epochTime `json:"epoch"`
}

// epochTime is how long an epoch takes on this machine, about.
type epochTime struct {
	Images    int     `json:"images"`
	Training  float64 `json:"training_img_s"`
	Seconds   float64 `json:"seconds"`
	LimitedBy string  `json:"limited_by"` // training or loading
}

func checkData(cmd *cobra.Command, s *settings, asJSON bool) error {
	dir := s.Data
	if err := s.resolve(cmd); err != nil {
		return err
	}
	s.Data = ""
	loader := s.LoaderOptions(true)
	source, err := train.DataSource(cmd.Context(), dir)
	if err != nil {
		return err
	}
	report, err := check.Run(cmd.Context(), source, check.Options{
		Workers: max(loader.Workers, 1), Progress: progress(cmd.ErrOrStderr(), "check"), Loader: loader,
	})
	if err != nil {
		return err
	}
	epoch, err := timeEpoch(cmd, s.Config, report)
	if err != nil {
		return err
	}
	result := checkResult{report, epoch}
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
		return fmt.Errorf("%s: this would hurt training: %s", dir, strings.Join(serious, ", "))
	}
	return nil
}

// timeEpoch measures a few training steps on noise: the slower of them and of loading
// gives an epoch's time, since both go on at once.
func timeEpoch(cmd *cobra.Command, c train.Config, r *check.Report) (epochTime, error) {
	e := epochTime{Images: r.Splits[0].Images, LimitedBy: "training"}
	if c.Model.Classes == 0 {
		c.Model.Classes = max(r.Splits[0].Classes, 1)
	}
	speed, err := train.BenchStep(cmd.Context(), c, train.BenchSteps{Warmup: 1, Count: 3})
	if err != nil {
		return e, err
	}
	e.Training = speed.ImagesPerSecond
	slower := e.Training
	if 0 < r.Loading && r.Loading < slower {
		slower, e.LimitedBy = r.Loading, "loading"
	}
	e.Seconds = float64(e.Images) / slower
	return e, nil
}

func (r checkResult) text() string {
	took := time.Duration(r.Epoch.Seconds * float64(time.Second)).Round(time.Second)
	return r.Text() + fmt.Sprintf("an epoch of %d images takes about %v here, limited by %s: it trains on %.0f img/s and loads %.0f img/s\n",
		r.Epoch.Images, took, r.Epoch.LimitedBy, r.Epoch.Training, r.Loading)
}
