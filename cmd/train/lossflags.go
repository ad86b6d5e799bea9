package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/config"
	"depthwise.dev/data"
)

// lossFlags are the flags of the loss, and of what compensates for classes of different sizes.
func lossFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, groupOptimization, func(fs *pflag.FlagSet) {
		fs.Var(choice{&c.Loss, config.Losses}, "loss", "loss of training")
		fs.Float64Var(&c.FocalGamma, "focal-gamma", c.FocalGamma, "exponent of the focal loss: the more, the less the loss of images that are classified well")
		fs.Var(known{&c.ClassWeights, config.ClassWeightings, "NAME|FILE"}, "class-weights", "weights of the classes in the training loss, "+
			"or a CSV or YAML file of classes and weights")
		fs.Var(choice{&c.Sampler, data.Samplers}, "sampler", "images of an epoch")
		filePath(fs, "class-weights", "csv", "yaml", "yml", "json")
	})
}
