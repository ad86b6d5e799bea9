package main

import (
	"cmp"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/backend"
	"depthwise.dev/classify"
)

// prediction is what train predict does.
type prediction struct {
	classify.PredictConfig
	input  string // a batch in place of images
	output string // a file in place of standard output
	format string // one of predictionFormats, "" for that of the output
	json   bool
	files  predictionFiles
	topSet bool // --top was given
}

func newPredict() *cobra.Command {
	p := &prediction{PredictConfig: classify.PredictConfig{Top: 5, BatchSize: 32, Workers: -1,
		Options: backend.Options{Precision: "fp32", Device: "auto", Backend: "auto"}}}
	cmd := &cobra.Command{
		Use:   "predict --weights FILE IMAGE|DIR|GLOB|URL|-... [flags]",
		Short: "Classify images, or compute the logits of an array",
		Long: `Print the most likely classes of each image, in the order given. An argument is
an image, a folder (with all images below it), a glob such as 'photos/**/*.jpg',
shards, an address (http, https, s3, gs), or - for standard input: an image, or
a list of such arguments, a line each or ended by NUL.

Images that cannot be read are reported in their place; the exit code is then 1.
Images are preprocessed as in evaluation. Results are written as they are
computed; an interrupt keeps those before it.

--input computes the logits of a batch instead: a NumPy file, float32 of shape
(N, 3, H, W), already normalized.`,
		Example: `  train predict --weights runs/photos-1 cat.jpg dog.png --top 3
  train predict --weights runs/photos-1 photos --output photos.csv
  train predict --weights runs/photos-1 - --format jsonl < list.txt
  train predict --weights runs/photos-1 inbox --copy-to sorted --threshold 0.8
  train predict --weights runs/photos-1 inbox --contact-sheet inbox.html
  train predict --weights runs/photos-1 cat.jpg --explain maps --class dog
  train predict --weights runs/photos-1 --input batch.npy --output logits.npy`,
		ValidArgsFunction: imageArguments,
		RunE: func(cmd *cobra.Command, images []string) error {
			p.topSet = cmd.Flags().Changed("top")
			if err := cmp.Or(required(cmd, "weights"), p.check(images)); err != nil {
				return err
			}
			var err error
			if p.Weights, err = localWeights(cmd, p.Weights); err != nil {
				return err
			}
			noteMachine(cmd, p.Options)
			if p.input != "" {
				return classify.PredictArray(cmd.Context(), p.PredictConfig, p.input, p.output)
			}
			if !p.topSet {
				p.Top = 0 // multi-label weights predict any number
			}
			return p.run(cmd, images)
		},
	}
	p.flags(cmd)
	return cmd
}

func (p *prediction) flags(cmd *cobra.Command) {
	readingFlags(cmd, &p.Weights, &p.Reading)
	rawFlag(cmd, &p.Raw)
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.IntVar(&p.BatchSize, "batch-size", p.BatchSize, "images per batch")
		fs.Var(auto[int]{&p.Workers}, "workers", "image decoding threads; results do not depend on it")
		fs.StringVar(&p.input, "input", "", "batch to read instead of images, NumPy file, float32, (N, 3, H, W), normalized")
		filePath(fs, "input", "npy")
		defaultText(fs, "workers", workersDefault)
	})
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.IntVar(&p.Top, "top", p.Top, "number of classes to print per image")
		defaultText(fs, "top", "5; of multi-label weights all above their thresholds")
		fs.Float64Var(&p.Threshold, "threshold", 0, "least probability of a class, 0 to 1; classes below are left out")
		defaultText(fs, "threshold", "none; of multi-label weights those of the classes, which it replaces")
		fs.Var(choice{&p.format, predictionFormats}, "format", "format of the predictions")
		defaultText(fs, "format", "that of --output; text for up to 10 images, else table")
		fs.StringVar(&p.output, "output", "", "file for the predictions, .csv, .jsonl, .json or .txt; or for the logits of --input, NumPy, float32, (N, classes)")
		filePath(fs, "output", "csv", "jsonl", "json", "txt", "npy")
		p.files.flags(fs)
		fs.StringVar(&p.ExplainClass, "class", "", "`CLASS` that --explain explains")
		defaultText(fs, "class", "the most probable one of each image")
	})
	hardwareFlags(cmd, &p.Precision, &p.Device, &p.Backend, &p.Threads)
	graphFlag(cmd, &p.CUDAGraph, "batches")
	jsonFlag(cmd, &p.json)
}

// check refuses flags that do not go together, before any work.
func (p *prediction) check(images []string) error {
	switch {
	case p.Top < 1:
		return usagef("--top %d: must be at least 1", p.Top)
	case p.BatchSize < 1:
		return usagef("--batch-size %d: must be at least 1", p.BatchSize)
	case !(p.Threshold >= 0 && p.Threshold <= 1):
		return usagef("--threshold %v: must be 0 to 1, such as 0.5 for 50 %%", p.Threshold)
	case p.input != "":
		return p.checkBatch(images)
	case p.output != "" && len(images) == 0:
		return usagef("--input and --output go together: the batch to read and the logits to write; or give images to classify")
	case len(images) == 0:
		return usagef("predict needs images, or --input and --output, but not both")
	case p.ExplainClass != "" && p.files.explain == "":
		return usagef("--class %s: is the class that --explain explains: give --explain DIR", shellWord(p.ExplainClass))
	}
	return cmp.Or(onceStandardInput(images), p.checkFormat(), p.files.check(images))
}

// checkBatch is check for --input.
func (p *prediction) checkBatch(images []string) error {
	switch {
	case p.output == "":
		return usagef("--input and --output go together: the batch to read and the logits to write")
	case len(images) > 0:
		return usagef("predict needs images, or --input and --output, but not both")
	case p.json:
		return usagef("--json prints predictions of images; the logits of --input are in the file of --output")
	case p.format != "" || p.files != predictionFiles{}:
		return usagef("--format, --copy-to, --contact-sheet and --explain are for images; the logits of --input are in the file of --output")
	}
	return cmp.Or(checkInput("input", p.input), checkOutput("output", p.output, ".npy"))
}
