package main

import (
	"fmt"

	"depthwise.dev/data/prepare"
	"github.com/spf13/cobra"
)

func newDataImageNet() *cobra.Command {
	return &cobra.Command{
		Use:   "imagenet SRC DIR",
		Short: "Lay out ImageNet's tars, or a flat val folder, as class folders",
		Long: `Lay out ImageNet (ILSVRC 2012), as people have it, as DIR/train/CLASS/* and
DIR/val/CLASS/*.

SRC is a folder with any of
  ILSVRC2012_img_train.tar, or train/ with class tars or class folders
  ILSVRC2012_img_val.tar, or val/ with the images, flat or in class folders
  the classes of val: LOC_val_solution.csv, a list of "IMAGE SYNSET" lines, or
    ILSVRC2012_devkit_t12.tar.gz
  the names of the classes: LOC_synset_mapping.txt or synset_words.txt
or Kaggle's ILSVRC/Data/CLS-LOC. DIR may be SRC: a flat val folder is then
sorted in place. Ended half-way, the command goes on when it is run again.`,
		Example: `  train data imagenet ~/downloads imagenet
  train data imagenet imagenet imagenet                sort a flat imagenet/val`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("data imagenet takes two folders, SRC with ImageNet's files and DIR for the class folders, not %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			stderr := cmd.ErrOrStderr()
			if err := prepare.ImageNet(cmd.Context(), args[0], args[1], bar(stderr, "imagenet", inBytes)); err != nil {
				return err
			}
			_, err := fmt.Fprintf(stderr, "laid out in %s: train --data %s\n", args[1], args[1])
			return err
		},
	}
}
