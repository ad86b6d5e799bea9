package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/data"
)

func newPredict() *cobra.Command {
	c, asJSON := classify.PredictConfig{Top: 5, BatchSize: 32, Options: backend.Options{Precision: "fp32", Device: "auto", Backend: "auto"}}, false
	var input, output string
	cmd := &cobra.Command{
		Use:   "predict --weights FILE IMAGE... [flags]",
		Short: "Classify images, or compute the logits of an array",
		Long: `Print the most likely classes of each image, or compute the logits of a batch.

Images are preprocessed as in evaluation. A batch is a NumPy file, float32 of
shape (N, 3, H, W), already normalized.`,
		Example: `  train predict --weights runs/photos-1/best.safetensors cat.jpg dog.png --top 3
  train predict --weights runs/photos-1 --input batch.npy --output logits.npy`,
		ValidArgsFunction: imageArguments,
		RunE: func(cmd *cobra.Command, images []string) error {
			if err := required(cmd, "weights"); err != nil {
				return err
			}
			for _, f := range []struct {
				name  string
				value int
			}{{"top", c.Top}, {"batch-size", c.BatchSize}} {
				if f.value < 1 {
					return usagef("--%s %d: must be at least 1", f.name, f.value)
				}
			}
			switch {
			case (input == "") != (output == ""):
				return usagef("--input and --output go together: the batch to read and the logits to write")
			case (input == "") == (len(images) == 0):
				return usagef("predict needs images, or --input and --output, but not both")
			case input != "" && asJSON:
				return usagef("--json prints predictions of images; the logits of --input are in the file of --output")
			case input != "":
				if err := cmp.Or(checkInput("input", input), checkOutput("output", output, ".npy")); err != nil {
					return err
				}
			}
			var err error
			if c.Weights, err = localWeights(cmd, c.Weights); err != nil {
				return err
			}
			if input != "" {
				return classify.PredictArray(cmd.Context(), c, input, output)
			}
			return predictImages(cmd, c, images, asJSON)
		},
	}
	readingFlags(cmd, &c.Weights, &c.Reading)
	rawFlag(cmd, &c.Raw)
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.IntVar(&c.BatchSize, "batch-size", c.BatchSize, "images per batch")
		fs.StringVar(&input, "input", "", "batch to read instead of images, NumPy file, float32, (N, 3, H, W), normalized")
		filePath(fs, "input", "npy")
	})
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.IntVar(&c.Top, "top", c.Top, "number of classes to print per image")
		fs.StringVar(&output, "output", "", "file for the logits of --input, NumPy, float32, (N, classes)")
		filePath(fs, "output", "npy")
	})
	hardwareFlags(cmd, &c.Precision, &c.Device, &c.Backend, &c.Threads)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// predictImages prints the predictions of each image. Images that cannot be read are reported in
// their place, and the command fails at the end.
func predictImages(cmd *cobra.Command, c classify.PredictConfig, images []string, asJSON bool) error {
	predictions, err := classify.Predict(cmd.Context(), c, images)
	if err != nil {
		return err
	}
	if err := show(cmd, asJSON, predictions, func() string { return predictText(predictions) }); err != nil {
		return err
	}
	var bad []string
	for _, p := range predictions {
		if p.Error != "" {
			bad = append(bad, p.Error)
		}
	}
	if bad != nil {
		return errors.New(strings.Join(bad, "; "))
	}
	return nil
}

func predictText(predictions []classify.Prediction) string {
	var b strings.Builder
	for _, p := range predictions {
		fmt.Fprintf(&b, "%s\n", data.ShowName(p.Image))
		if p.Error != "" {
			fmt.Fprintf(&b, "  cannot be read\n")
		}
		for _, t := range p.Top {
			fmt.Fprintf(&b, "  %6.2f %%  %s\n", 100*t.Probability, data.ShowName(t.Class))
		}
	}
	return b.String()
}
