package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/formats"
)

// noArguments refuses arguments.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// required names every flag in the list that was not given.
func required(cmd *cobra.Command, flags ...string) error {
	missing := ""
	for _, name := range flags {
		if f := cmd.Flags().Lookup(name); f.Value.String() == "" {
			missing += fmt.Sprintf(" --%s", name)
		}
	}
	if missing != "" {
		return usagef("%s needs:%s", cmd.CommandPath(), missing)
	}
	return nil
}

func weightsFlag(cmd *cobra.Command, weights *string) {
	flagGroup(cmd, groupModel, func(fs *pflag.FlagSet) {
		fs.StringVar(weights, "weights", "", "best.safetensors, a checkpoint, an exported file, or the folder of a run")
		filePath(fs, "weights", extensions(func(f formats.Format) bool { return f.Read != nil })...)
	})
}

// rawFlag is the flag of the commands that use trained weights.
func rawFlag(cmd *cobra.Command, raw *bool) {
	flagGroup(cmd, groupModel, func(fs *pflag.FlagSet) {
		fs.BoolVar(raw, "raw", false, "use the trained weights instead of their moving average (--ema-decay)")
	})
}

// show prints a result, as one line of JSON or as text.
func show(cmd *cobra.Command, asJSON bool, result any, text func() string) error {
	out := cmd.OutOrStdout()
	if !asJSON {
		_, err := io.WriteString(out, text())
		return err
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(result)
}
