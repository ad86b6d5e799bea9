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
		Use:   "stats DIR [flags]",
		Short: "Compute mean and deviation, and draw a training batch",
		Long: `Compute mean and standard deviation of the training images of DIR, cropped and
augmented as in training, and draw the first batch of an epoch with its class
names to a PNG file. Images mixed by --mixup or --cutmix show both classes and
their weights.`,
		Example: `  train data stats photos --output batch.png
  train data stats photos --output batch.png --augment randaug --batch-size 48`,
		ValidArgsFunction: folderArguments(1),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("data stats takes one folder with training images, not %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if look.Sheet != "" {
				if err := checkOutput("output", look.Sheet, ".png"); err != nil {
					return err
				}
			}
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
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.IntVar(&look.Images, "images", look.Images, "images for mean and deviation, in whole batches")
		fs.IntVar(&s.BatchSize, "batch-size", s.BatchSize, "images per batch")
		fs.IntVar(&s.Model.Resolution, "resolution", s.Model.Resolution, "height and width of the input in pixels")
		fs.Uint64Var(&s.Seed, "seed", s.Seed, "seed of order and augmentation")
		fs.StringVar(&s.file, "config", "", "YAML file with settings, such as the config.yaml of a run")
		filePath(fs, "config", "yaml", "yml")
	})
	listFlags(cmd, &s.Images, &s.LabelDelimiter, "image-folder") // --images is a number here
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.StringVar(&look.Sheet, "output", "", "PNG file for the first batch")
		filePath(fs, "output", "png")
	})
	jsonFlag(cmd, &asJSON)
	augmentFlags(cmd, &s.Config)
	return cmd
}

func statsText(s diagnose.Statistics) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d training images of %d classes, augmented, values from 0 to 1:\n", s.Images, s.Classes)
	fmt.Fprintf(&b, "  mean       %.3f %.3f %.3f\n  deviation  %.3f %.3f %.3f\n", s.Mean[0], s.Mean[1], s.Mean[2], s.Std[0], s.Std[1], s.Std[2])
	for i, p := range s.Skipped {
		if i == shownProblems {
			fmt.Fprintf(&b, "and %d more\n", len(s.Skipped)-i)
			break
		}
		fmt.Fprintf(&b, "skipped %s: %s\n", p.Path, p.Reason)
	}
	if s.Sheet != "" {
		fmt.Fprintf(&b, "%d of them drawn in %s\n", s.Shown, s.Sheet)
	}
	return b.String()
}
