package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// noArguments refuses words that belong to no flag.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, but was given %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// required names every flag of the list that was not given.
func required(cmd *cobra.Command, flags ...string) error {
	missing := ""
	for _, name := range flags {
		if f := cmd.Flags().Lookup(name); f.Value.String() == "" {
			missing += fmt.Sprintf(" --%s", name)
		}
	}
	if missing != "" {
		return usagef("%s needs%s", cmd.CommandPath(), missing)
	}
	return nil
}

func weightsFlag(cmd *cobra.Command, weights *string) {
	flagGroup(cmd, "Weights", func(fs *pflag.FlagSet) {
		fs.StringVar(weights, "weights", "", "best.safetensors, a checkpoint or an exported `FILE`, or a run's folder")
	})
}

// rawFlag is that of the commands that use weights as they are.
func rawFlag(cmd *cobra.Command, raw *bool) {
	flagGroup(cmd, "Weights", func(fs *pflag.FlagSet) {
		fs.BoolVar(raw, "raw", false, "take the plain weights of a run with --ema-decay, in place of their average")
	})
}

// show prints a result: as one line of JSON or as text.
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
