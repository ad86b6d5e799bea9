package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"depthwise.dev/backend"
)

// noteMachine says on standard error what may not be expected of the machine that options mean, such as that the CPU computes
// although there is a GPU. Runs record it themselves.
func noteMachine(cmd *cobra.Command, o backend.Options) {
	for _, text := range backend.Notes(o) {
		fmt.Fprintf(cmd.ErrOrStderr(), "note: %s\n", text)
	}
}
