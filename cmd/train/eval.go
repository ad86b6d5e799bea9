package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/data"
)

func newEval() *cobra.Command {
	s, asJSON := newSettings(), false
	c := classify.EvalConfig{Options: backend.Options{Precision: "fp32", Device: "auto", Backend: "auto"}}
	cmd := &cobra.Command{
		Use:   "eval --weights FILE --data DIR [flags]",
		Short: "Measure the accuracy of trained weights on a dataset",
		Long: `Measure top-1 accuracy, top-5 accuracy and loss of trained weights.

Network, classes and preprocessing come from the weights file. Classes are
matched by name; those without a match are reported. Of a dataset with parts,
val is measured, or test if there is no val.`,
		Example: `  train eval --weights runs/photos-1/best.safetensors --data photos
  train eval --weights runs/photos-1 --data photos/val --json`,
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
			if c.Weights, err = localWeights(cmd, c.Weights); err != nil {
				return err
			}
			c.Data, c.Remote, c.BatchSize, c.Workers = dir, newRemote(logTo(cmd.ErrOrStderr())), s.BatchSize, s.Workers
			r, err := classify.Evaluate(cmd.Context(), c)
			if err != nil {
				return err
			}
			if n := r.Images + len(r.Skipped); s.BatchSize > n && cmd.Flags().Changed("batch-size") {
				fmt.Fprintf(cmd.ErrOrStderr(), "batch size %d cut to %d, the number of images\n", s.BatchSize, n)
			}
			return show(cmd, asJSON, r, func() string { return evalText(r) })
		},
	}
	readingFlags(cmd, &c.Weights, &c.Reading)
	rawFlag(cmd, &c.Raw)
	dataFlags(cmd, &s.Config)
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.IntVar(&c.Limit, "limit", 0, "stop after N images")
		defaultText(fs, "limit", "all images")
	})
	hardwareFlags(cmd, &c.Precision, &c.Device, &c.Backend, &c.Threads)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// someNames joins names, of many the first ones.
func someNames(names []string) string {
	const most = 20 // a network for ImageNet has 1,000
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func evalText(r classify.EvalResult) string {
	var b strings.Builder
	fmt.Fprintf(&b, "top-1 accuracy %.2f %%, top-5 accuracy %.2f %%, loss %.4f\n%d images, %.1f img/s\n",
		100*r.Top1, 100*r.Top5, r.Loss, r.Images, r.ImagesPerSecond)
	if r.Measured != "" {
		fmt.Fprintf(&b, "measured %s\n", r.Measured)
	}
	for _, note := range []struct {
		names []string
		text  string
	}{{r.Unknown, "class folders unknown to the model (skipped)"}, {r.Missing, "classes of the model without a folder"}} {
		if len(note.names) > 0 {
			fmt.Fprintf(&b, "%s: %s\n", note.text, data.ShowName(someNames(note.names)))
		}
	}
	for _, p := range r.Skipped {
		fmt.Fprintf(&b, "skipped %s\n", p)
	}
	for _, p := range r.LeftOut {
		fmt.Fprintf(&b, "warning: %s\n", p)
	}
	return b.String()
}
