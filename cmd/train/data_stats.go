package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/diagnose"
)

func newDataStats() *cobra.Command {
	s := newSettings()
	look := diagnose.StatisticsConfig{Images: 1024}
	asJSON := false
	cmd := &cobra.Command{
		Use:   "stats DIR",
		Short: "Show what the network sees: a picture of a training batch, mean and deviation",
		Long: `Take mean and standard deviation of the training images of DIR, cropped and
augmented as training would, and draw the first batch of an epoch, with the
names of the classes, to a PNG file. All flags of augmentation work as for
training; those of a batch that --mixup or --cutmix mixed are shown with both
classes and their shares.`,
		Example: `  train data stats photos --output batch.png
  train data stats photos --output batch.png --augment randaug --random-erase 0.25 --batch-size 48 --seed 3`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("data stats takes one folder with training images, not %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.resolve(cmd); err != nil {
				return err
			}
			dir, err := dataFolder(cmd, args[0])
			if err != nil {
				return err
			}
			look.Config = s.Config
			look.Data = dir
			stats, err := diagnose.DataStatistics(cmd.Context(), look)
			if err != nil {
				return err
			}
			return show(cmd, asJSON, stats, func() string { return statsText(stats) })
		},
	}
	flagGroup(cmd, "Output", func(fs *pflag.FlagSet) {
		fs.StringVar(&look.Sheet, "output", "", "`FILE.png` for the first batch")
		fs.IntVar(&look.Images, "images", look.Images, "images for mean and deviation, in whole batches")
	})
	jsonFlag(cmd, &asJSON)
	flagGroup(cmd, "Data", func(fs *pflag.FlagSet) {
		fs.IntVar(&s.BatchSize, "batch-size", s.BatchSize, "images in a batch")
		fs.IntVar(&s.Model.Resolution, "resolution", s.Model.Resolution, "side of the square input, in pixels")
		fs.Uint64Var(&s.Seed, "seed", s.Seed, "of order and augmentation")
		fs.StringVar(&s.file, "config", "", "YAML `FILE` of settings, such as a run's config.yaml")
	})
	augmentFlags(cmd, &s.Config)
	return cmd
}

func statsText(s diagnose.Statistics) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d training images of %d classes, as the network sees them, from 0 to 1:\n", s.Images, s.Classes)
	fmt.Fprintf(&b, "  mean       %.3f %.3f %.3f\n  deviation  %.3f %.3f %.3f\n", s.Mean[0], s.Mean[1], s.Mean[2], s.Std[0], s.Std[1], s.Std[2])
	for i, p := range s.Skipped {
		if i == shownProblems {
			fmt.Fprintf(&b, "and %d more\n", len(s.Skipped)-i)
			break
		}
		fmt.Fprintf(&b, "left out %s: %s\n", p.Path, p.Reason)
	}
	if s.Sheet != "" {
		fmt.Fprintf(&b, "%d of them in %s\n", s.Shown, s.Sheet)
	}
	return b.String()
}
