package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"depthwise.dev/autograd"
)

// noteDevice says on standard error why the CPU computes although a GPU could be expected. Runs record it themselves.
func noteDevice(cmd *cobra.Command, device string) {
	noteFallback(cmd.ErrOrStderr(), device, autograd.FallbackNote())
}

// noteFallback writes the note for a value of --device.
func noteFallback(w io.Writer, device, note string) {
	if (device == "auto" || device == "") && note != "" {
		fmt.Fprintf(w, "note: %s\n", note)
	}
}
