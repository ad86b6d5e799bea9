package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"depthwise.dev/backend"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of this program and of what it runs on",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.Join(backend.Environment(), "\n"))
			return err
		},
	}
}
