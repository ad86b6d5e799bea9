package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"depthwise.dev/backend"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Print the versions of program, Go and libtorch, and the processor",
		Example:           `  train version`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return writeVersion(cmd)
		},
	}
}

func writeVersion(cmd *cobra.Command) error {
	_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.Join(backend.Environment(), "\n"))
	return err
}
