package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/backend"
	"depthwise.dev/classify"
)

func newPredict() *cobra.Command {
	c, asJSON := classify.PredictConfig{Top: 5, BatchSize: 32, Options: backend.Options{Precision: "fp32", Device: "auto", Backend: "auto"}}, false
	var input, output string
	cmd := &cobra.Command{
		Use:   "predict --weights FILE IMAGE...",
		Short: "Name what is on images, or compute the logits of an array",
		Long: `Print the likeliest classes of each image, or compute the logits of a batch.

Images are brought to the network as in its evaluation. A batch in NumPy's
format is taken as it is: float32, (N, 3, H, W), already normalized.`,
		Example: `  train predict --weights runs/photos-1/best.safetensors cat.jpg dog.png --top 3
  train predict --weights runs/photos-1 --input batch.npy --output logits.npy`,
		RunE: func(cmd *cobra.Command, images []string) error {
			if err := required(cmd, "weights"); err != nil {
				return err
			}
			if c.Top < 1 || c.BatchSize < 1 {
				return usagef("--top and --batch-size must be at least 1")
			}
			switch {
			case (input == "") != (output == ""):
				return usagef("--input and --output go together: the batch and where its logits go")
			case (input == "") == (len(images) == 0):
				return usagef("predict needs images, or --input and --output, and not both")
			case input != "":
				return classify.PredictArray(cmd.Context(), c, input, output)
			}
			return predictImages(cmd, c, images, asJSON)
		},
	}
	weightsFlag(cmd, &c.Weights)
	rawFlag(cmd, &c.Raw)
	flagGroup(cmd, "Images", func(fs *pflag.FlagSet) {
		fs.IntVar(&c.Top, "top", c.Top, "classes to print for each image")
		fs.IntVar(&c.BatchSize, "batch-size", c.BatchSize, "images computed at once")
	})
	flagGroup(cmd, "Arrays", func(fs *pflag.FlagSet) {
		fs.StringVar(&input, "input", "", "`BATCH.npy`: float32, (N, 3, H, W), normalized")
		fs.StringVar(&output, "output", "", "`LOGITS.npy` to write: float32, (N, classes)")
	})
	machineFlags(cmd, &c.Precision, &c.Device, &c.Backend, &c.Threads)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// predictImages prints what each image shows. Images that cannot be read are
// told of where they stand, and make the command fail at its end.
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
		fmt.Fprintf(&b, "%s\n", p.Image)
		if p.Error != "" {
			fmt.Fprintf(&b, "  cannot be read\n")
		}
		for _, t := range p.Top {
			fmt.Fprintf(&b, "  %6.2f %%  %s\n", 100*t.Probability, t.Class)
		}
	}
	return b.String()
}
