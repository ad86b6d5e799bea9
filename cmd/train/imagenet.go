package main

import (
	"fmt"

	"depthwise.dev/data/prepare"
	"github.com/spf13/cobra"
)

func newDataImageNet() *cobra.Command {
	return &cobra.Command{
		Use:   "imagenet SRC DIR",
		Short: "Extract ImageNet archives into class folders",
		Long: `Arrange ImageNet (ILSVRC 2012) as DIR/train/CLASS/* and DIR/val/CLASS/*.

SRC is a folder with any of these files, or with ILSVRC/Data/CLS-LOC of Kaggle:
  ILSVRC2012_img_train.tar, or train/ with class tars or class folders
  ILSVRC2012_img_val.tar, or val/ with images, flat or in class folders
  classes of val: LOC_val_solution.csv, a list of "IMAGE SYNSET" lines, or
    ILSVRC2012_devkit_t12.tar.gz
  class names: LOC_synset_mapping.txt or synset_words.txt

DIR may be the same as SRC: images of a flat val folder then move in place. Run
the command again to continue after an interruption.`,
		Example: `  train data imagenet ~/downloads imagenet
  train data imagenet imagenet imagenet    # sort a flat imagenet/val in place`,
		ValidArgsFunction:     folderArguments(2),
		DisableFlagsInUseLine: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("data imagenet takes two folders, SRC with the files of ImageNet and DIR for class folders, not %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			stderr := cmd.ErrOrStderr()
			if err := prepare.ImageNet(cmd.Context(), args[0], args[1], bar(stderr, "imagenet", inBytes)); err != nil {
				return err
			}
			_, err := fmt.Fprintf(stderr, "ImageNet is in %s\nTrain on it: train --data %s\n", args[1], args[1])
			return err
		},
	}
}
