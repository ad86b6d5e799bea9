package main

import (
	"fmt"

	"depthwise.dev/data/datasets"
	"depthwise.dev/data/shards"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// shownProblems is how many images that cannot be read a command names.
const shownProblems = 20

func newDataShard() *cobra.Command {
	var source datasets.Source
	o := shards.Options{PerShard: 1000, Quality: 90}
	cmd := &cobra.Command{
		Use:   "shard SRC DIR",
		Short: "Write a data set as WebDataset tar files",
		Long: `Write the images of SRC, in class folders or in local shards, as tar files
DIR/train-000000.tar ... and DIR/val-000000.tar ..., which train, eval and
Python's webdataset read: KEY.jpg with KEY.cls, the number of the class, whose
name stands in DIR/shards.json. Images are dealt out to shards at random.

The same images and options give the same bytes. Ended half-way, the command
goes on when it is run again. Images that cannot be read are left out and named.`,
		Example: `  train data shard imagenet imagenet-shards --max-side 512
  train data shard photos photo-shards --val-split 0.1
  train --data photo-shards`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("data shard takes two folders, SRC with the images and DIR for the shards, not %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			source.Path = args[0]
			return shardData(cmd, source, args[1], o)
		},
	}
	flagGroup(cmd, "Shards", func(fs *pflag.FlagSet) {
		fs.IntVar(&o.PerShard, "per-shard", o.PerShard, "images in a shard")
		fs.IntVar(&o.MaxSide, "max-side", o.MaxSide, "encode images again whose longer side is above so many pixels, reduced to it\n(default copy every file as it is)")
		fs.IntVar(&o.Quality, "quality", o.Quality, "of JPEGs that are encoded again, 1 to 100")
		fs.Float64Var(&source.ValSplit, "val-split", 0, "share of a SRC without val/ that becomes val")
		fs.Uint64Var(&source.Seed, "seed", 0, "of the order of the images, and of --val-split")
		fs.IntVar(&o.Workers, "workers", 0, "shards that are written at the same time; never changes the result (default one a processor)")
	})
	return cmd
}

func shardData(cmd *cobra.Command, source datasets.Source, dir string, o shards.Options) error {
	if o.PerShard < 1 || o.MaxSide < 0 || o.Quality < 1 || o.Quality > 100 || o.Workers < 0 {
		return usagef("--per-shard must be at least 1, --max-side and --workers at least 0, --quality from 1 to 100")
	}
	stderr := cmd.ErrOrStderr()
	train, val, err := source.Open(cmd.Context())
	if err != nil {
		return err
	}
	o.Seed, o.Progress = source.Seed, bar(stderr, "shard", inImages)
	done, err := shards.Write(cmd.Context(), dir, train, val, o)
	for i, p := range done.Skipped {
		if i == shownProblems {
			fmt.Fprintf(stderr, "and %d more\n", len(done.Skipped)-i)
			break
		}
		fmt.Fprintf(stderr, "left out %s: %s\n", p.Path, p.Reason)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stderr, "%d shards in %s (%d were there already), %d images written, %d left out: train --data %s\n",
		done.Shards, dir, done.Kept, done.Images, len(done.Skipped), dir)
	return err
}
