package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/config"
)

// syncFlags are the settings of what several processes compute together.
func syncFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, groupDistributed, func(fs *pflag.FlagSet) {
		fs.BoolVar(&c.SyncBN, "sync-bn", c.SyncBN, "synchronized batch norm: its statistics are those of the images of all processes, not of each one's own")
		fs.Var(choice{&c.GradientCompression, config.GradientCompressions}, "gradient-compression", "the type in which processes send each other gradients")
	})
}
