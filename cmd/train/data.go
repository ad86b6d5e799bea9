package main

import (
	"github.com/spf13/cobra"
)

func newData() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Prepare data sets",
		Args:  oneCommand,
		RunE:  func(*cobra.Command, []string) error { return nil },
	}
	cmd.AddCommand(newDataImageNet(), newDataShard(), newDataStats())
	return cmd
}
