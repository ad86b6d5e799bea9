package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/formats"
)

func newEval() *cobra.Command {
	s, asJSON, allClasses := newSettings(), false, false
	c := classify.EvalConfig{Options: backend.Options{Precision: "fp32", Device: "auto", Backend: "auto"}}
	cmd := &cobra.Command{
		Use:   "eval --weights FILE --data DIR [flags]",
		Short: "Measure the accuracy of trained weights on a dataset",
		Long: `Measure trained weights on a dataset: top-1, top-5 and balanced accuracy with
95 % intervals, precision, recall and F1 of each class, the classes that are
mistaken for each other, and the calibration of the probabilities. --json prints
everything, the confusion matrix included.

Network, classes and preprocessing come from the weights file. Classes are
matched by name; those without a match are reported. Of a dataset with parts,
val is measured, or test if there is no val.

Of multi-label weights the measures are the average precision of each class, its
F1 at its threshold, and their means.`,
		Example: `  train eval --weights runs/photos-1 --data photos
  train eval --weights runs/photos-1 --data photos/val --json
  train eval --weights runs/photos-1 --data photos --predictions images.csv
  train eval --weights runs/photos-2 --compare runs/photos-1 --data photos
  train eval --weights runs/photos-1 --data photos --calibrated c.safetensors`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "weights", "data"); err != nil {
				return err
			}
			dir, err := dataFolder(cmd, s.Data)
			if err != nil {
				return err
			}
			if err := checkEvalOutputs(c, asJSON); err != nil {
				return err
			}
			if c.Weights, err = localWeights(cmd, c.Weights); err != nil {
				return err
			}
			if c.Compare != "" {
				if c.Compare, err = localWeights(cmd, c.Compare); err != nil {
					return err
				}
			}
			noteMachine(cmd, c.Options)
			c.Data, c.Remote, c.BatchSize, c.Workers = dir, newRemote(logTo(cmd.ErrOrStderr())), s.BatchSize, s.Workers
			c.Images, c.LabelDelimiter = s.Images, s.LabelDelimiter
			multi, err := classify.IsMultiLabel(c)
			if err != nil {
				return err
			}
			if multi {
				return evaluateMultiLabel(cmd, c, asJSON, allClasses)
			}
			r, err := classify.Evaluate(cmd.Context(), c)
			if err != nil {
				return err
			}
			if n := r.Images + len(r.Skipped); s.BatchSize > n && cmd.Flags().Changed("batch-size") {
				fmt.Fprintf(cmd.ErrOrStderr(), "batch size %d cut to %d, the number of images\n", s.BatchSize, n)
			}
			return show(cmd, asJSON, r, func() string { return evalText(r, allClasses) })
		},
	}
	evalFlags(cmd, s, &c, &asJSON, &allClasses)
	return cmd
}

func evalFlags(cmd *cobra.Command, s *settings, c *classify.EvalConfig, asJSON, allClasses *bool) {
	readingFlags(cmd, &c.Weights, &c.Reading)
	rawFlag(cmd, &c.Raw)
	dataFlags(cmd, &s.Config)
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.IntVar(&c.Limit, "limit", 0, "stop after N images, rounded up to whole batches")
		defaultText(fs, "limit", "all images")
	})
	flagGroup(cmd, groupModel, func(fs *pflag.FlagSet) {
		fs.Var(choice{&c.TTA, classify.TTAs}, "tta", "test-time augmentation: flip averages the probabilities of each image and its mirror image")
		defaultText(fs, "tta", classify.TTANone)
		fs.StringVar(&c.Compare, "compare", "", "other weights to evaluate on the same images, with McNemar's test of the difference")
		filePath(fs, "compare", extensions(func(f formats.Format) bool { return f.Read != nil })...)
	})
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.StringVar(&c.Predictions, "predictions", "", "CSV file to write with a row for each image")
		filePath(fs, "predictions", "csv")
		fs.StringVar(&c.Calibrated, "calibrated", "", "file to write the weights to, with probabilities calibrated on these images (temperature scaling)")
		filePath(fs, "calibrated", "safetensors")
		fs.StringVar(&c.Thresholds, "thresholds", "", "file to write multi-label weights to, with the threshold of each class that has the best F1 on these images")
		filePath(fs, "thresholds", "safetensors")
		fs.BoolVar(allClasses, "all-classes", false, "list every class, not the 20 with the lowest F1 or average precision")
	})
	hardwareFlags(cmd, &c.Precision, &c.Device, &c.Backend, &c.Threads)
	graphFlag(cmd, &c.CUDAGraph, "batches")
	jsonFlag(cmd, asJSON)
}

// checkEvalOutputs refuses files that cannot be written before the evaluation.
func checkEvalOutputs(c classify.EvalConfig, asJSON bool) error {
	if asJSON && c.Predictions == "/dev/stdout" {
		return usagef("--predictions /dev/stdout: standard output has the JSON of --json; name a file, or leave one of them out")
	}
	if c.Predictions != "" {
		if err := checkOutput("predictions", c.Predictions, ".csv"); err != nil {
			return err
		}
	}
	if c.Thresholds != "" {
		if err := checkOutput("thresholds", c.Thresholds, ".safetensors"); err != nil {
			return err
		}
	}
	if c.Calibrated != "" {
		return checkOutput("calibrated", c.Calibrated, ".safetensors")
	}
	return nil
}
