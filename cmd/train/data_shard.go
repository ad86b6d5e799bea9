package main

import (
	"fmt"
	"io"
	"slices"

	"depthwise.dev/data"
	"depthwise.dev/data/check"
	"depthwise.dev/data/datasets"
	"depthwise.dev/data/shards"
	"depthwise.dev/internal/host"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// shownProblems is the maximum number of unreadable images that a command names.
const shownProblems = 20

func newDataShard() *cobra.Command {
	var source datasets.Source
	o := shards.Options{PerShard: 1000, Quality: 90}
	cmd := &cobra.Command{
		Use:   "shard SRC DIR [flags]",
		Short: "Write a dataset as WebDataset tar files",
		Long: `Write the images of SRC, in class folders or local shards, as tar files
DIR/train-000000.tar ... and DIR/val-000000.tar ..., readable by train, eval and
the Python package webdataset: KEY.jpg with KEY.cls, the class index.
DIR/shards.json holds the class names. Images are assigned to shards at random.

The same images and options give the same bytes. Run the command again to
continue after an interruption. Unreadable images are skipped and reported.`,
		Example: `  train data shard imagenet imagenet-shards --max-side 512
  train data shard photos photo-shards --val-split 0.1
  train --data photo-shards`,
		ValidArgsFunction: folderArguments(2),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("data shard takes two folders, SRC with images and DIR for shards, not %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			source.Path = args[0]
			return shardData(cmd, source, args[1], o)
		},
	}
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.Float64Var(&source.ValSplit, "val-split", 0, "fraction of the images for val if SRC has no val/")
		fs.Uint64Var(&source.Seed, "seed", 0, "seed of the order of the images and of --val-split")
		fs.IntVar(&o.Workers, "workers", 0, "shards to write in parallel; the result does not depend on it")
		defaultText(fs, "workers", "one per processor")
	})
	listFlags(cmd, &source.Images, &source.LabelDelimiter, "images")
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.IntVar(&o.PerShard, "per-shard", o.PerShard, "images per shard")
		fs.IntVar(&o.MaxSide, "max-side", o.MaxSide, "resize images with a longer side to N pixels and encode them again")
		fs.IntVar(&o.Quality, "quality", o.Quality, "JPEG quality of resized images, 1 to 100")
		defaultText(fs, "max-side", "copy files unchanged")
	})
	return cmd
}

// list names the first problems and counts the others.
func list(w io.Writer, what string, problems []data.Problem) {
	for i, p := range problems {
		if i == shownProblems {
			fmt.Fprintf(w, "and %d more\n", len(problems)-i)
			return
		}
		fmt.Fprintf(w, "%s %s\n", what, p)
	}
}

func shardData(cmd *cobra.Command, source datasets.Source, dir string, o shards.Options) error {
	if o.PerShard < 1 || o.MaxSide < 0 || o.MaxSide > 65_500 || o.Quality < 1 || o.Quality > 100 || o.Workers < 0 || o.Workers > data.MaxWorkers {
		return usagef("--per-shard must be at least 1, --max-side 0 to 65500, the limit of JPEG, --workers 0 to %d, --quality 1 to 100", data.MaxWorkers)
	}
	if data.IsPart(source.Path, dir, data.OwnShards) {
		return usagef("%s is a folder of the data set, and the shards would be taken for its own: name a new folder", shellWord(dir))
	}
	stderr := cmd.ErrOrStderr()
	train, val, split, err := source.OpenSplit(cmd.Context())
	if err != nil {
		return err
	}
	if train.MultiLabel {
		return fmt.Errorf("data shard: images of %s have several labels, or none, and a shard holds one class for each image; train on the CSV file itself", data.ShowName(train.List))
	}
	if err := check.Classes(cmd.Context(), train, host.Processors()); err != nil {
		return err
	}
	if source.ValSplit > 0 && split == nil {
		fmt.Fprintf(stderr, "warning: --val-split %v has no effect: %s has a validation part of its own (%d images), which is used\n", source.ValSplit, source.Path, val.Len())
	}
	o.Seed, o.Progress = source.Seed, bar(stderr, "shard", inImages)
	done, err := shards.Write(cmd.Context(), dir, train, val, o)
	list(stderr, "warning:", append(slices.Clone(train.Problems), val.Problems...))
	list(stderr, "skipped", done.Skipped)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stderr, "%d shards in %s (%d existed), %d images written, %d skipped\nTrain on them: train --data %s\n",
		done.Shards, dir, done.Kept, done.Images, len(done.Skipped), dir)
	return err
}
