package main

import (
	"github.com/spf13/cobra"

	"depthwise.dev/config"
)

// autoBatchSize lets --batch-size of training be auto.
func autoBatchSize(cmd *cobra.Command, c *config.Config) {
	f := cmd.Flags().Lookup("batch-size")
	f.Value = auto[int]{&c.BatchSize}
	f.Usage = "images per batch, of each of several processes; auto: what this machine trains fast, measured once and recorded"
}
