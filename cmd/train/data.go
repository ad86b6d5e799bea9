package main

import (
	"github.com/spf13/cobra"
)

func newData() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Check and prepare datasets",
		Example: `  train data check photos
  train data shard photos photo-shards`,
		Args: oneCommand,
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	cmd.AddCommand(newDataImageNet(), newDataShard(), newDataCheck(), newDataStats())
	return cmd
}
