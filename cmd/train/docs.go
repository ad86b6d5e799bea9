package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// newDocs is for those who package or document the program: hidden, because training does not need
// it.
func newDocs() *cobra.Command {
	cmd := &cobra.Command{
		Use:    "docs",
		Short:  "Generate manual pages and the configuration reference",
		Hidden: true,
		Example: `  train docs man ~/.local/share/man/man1
  train docs config > docs/configuration.md`,
		Args: oneCommand,
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	cmd.AddCommand(&cobra.Command{
		Use:               "man DIR",
		Short:             "Write a manual page for each command to DIR",
		Example:           `  train docs man ~/.local/share/man/man1`,
		ValidArgsFunction: folderArguments(1),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("docs man takes one folder, not %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			pages, err := writeManPages(cmd.Root(), args[0])
			if err != nil {
				return fmt.Errorf("docs man: %w", err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote %d manual pages to %s\n", pages, args[0])
			return nil
		},
	}, &cobra.Command{
		Use:               "config",
		Short:             "Print the configuration reference in Markdown",
		Example:           `  train docs config > docs/configuration.md`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := configReference()
			if err == nil {
				_, err = io.WriteString(cmd.OutOrStdout(), text)
			}
			return err
		},
	})
	return cmd
}
