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

// weightsFlag adds --weights.
func weightsFlag(cmd *cobra.Command, weights *string) {
	flagGroup(cmd, groupModel, func(fs *pflag.FlagSet) {
		fs.StringVar(weights, "weights", "", "folder of a run, best.safetensors, a checkpoint, an export, a MobileNet of timm, torchvision, Transformers or Keras, or a name of published weights (train weights list)")
		filePath(fs, "weights", extensions(func(f formats.Format) bool { return f.Read != nil })...)
	})
}

// readingFlags adds --weights and --variant, for the commands that read the network from the weights. What is inferred
// about weights of other tools goes to standard error.
func readingFlags(cmd *cobra.Command, weights *string, o *formats.ReadOptions) {
	weightsFlag(cmd, weights)
	o.Log = func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
	flagGroup(cmd, groupModel, func(fs *pflag.FlagSet) {
		fs.Var(choice{&o.Variant, variantNames()}, "variant", "variant of the network in weights of other tools")
		defaultText(fs, "variant", "that of the tool")
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
