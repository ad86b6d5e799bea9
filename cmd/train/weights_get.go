package main

import (
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/hub"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights"
)

// gotWeights is the JSON form of weights that are in the cache.
type gotWeights struct {
	Path string `json:"path"`
	weights.Origin
}

func newWeightsGet() *cobra.Command {
	o, asJSON := hub.Options{Arch: mobilenet.Archs()[0], Width: 1}, false
	cmd := &cobra.Command{
		Use:   "get NAME [flags]",
		Short: "Download weights and print the path of the file",
		Long: `Download weights to the cache, verify them, and print the path of the file.
What is in the cache already is not downloaded again.

NAME is a name of "train weights list", ORG/NAME or ORG/NAME@REVISION for a
repository on Hugging Face, or imagenet for the weights with the highest
published accuracy of an architecture and a width.`,
		Example: `  train weights get torchvision/mobilenet_v2
  train weights get imagenet --arch mobilenet_v1 --width 0.5
  train weights get google/mobilenet_v2_1.0_224`,
		ValidArgsFunction: weightNames,
		Args:              oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != hub.Best && (cmd.Flags().Changed("arch") || cmd.Flags().Changed("width")) {
				return usagef("--arch and --width select the weights of the name %s; leave them out", hub.Best)
			}
			file, origin, err := fetchWeights(cmd, args[0], o)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s, license %s (%s)\n", origin.Name, origin.License, origin.LicenseURL)
			return show(cmd, asJSON, gotWeights{file, origin}, func() string { return file + "\n" })
		},
	}
	flagGroup(cmd, groupModel, func(fs *pflag.FlagSet) {
		fs.Var(choice{&o.Arch, mobilenet.Archs()}, "arch", "architecture, for the name imagenet")
		fs.Float64Var(&o.Width, "width", o.Width, "width multiplier, for the name imagenet")
		fs.BoolVar(&o.Update, "update", false, "ask Hugging Face which commit a branch means now")
		typical(fs, "width", "0.25", "0.5", "0.75", "1")
	})
	jsonFlag(cmd, &asJSON)
	return cmd
}

// fetchWeights resolves a name of package hub, with progress and messages on standard error.
func fetchWeights(cmd *cobra.Command, name string, o hub.Options) (string, weights.Origin, error) {
	stderr := cmd.ErrOrStderr()
	o.Progress = downloadProgress(cmd, name)
	o.Note = func(text string) { fmt.Fprintln(stderr, text) }
	return hub.Resolve(cmd.Context(), name, o)
}

// downloadProgress is a bar on a terminal, and a line every ten seconds elsewhere.
func downloadProgress(cmd *cobra.Command, name string) func(done, total int64) {
	w := cmd.ErrOrStderr()
	if b := bar(w, name, inBytes); b != nil {
		return b
	}
	last := time.Now()
	return func(done, total int64) {
		if time.Since(last) >= plainEvery {
			last = time.Now()
			fmt.Fprintf(w, "%s: %.1f of %.1f MB\n", name, float64(done)/1e6, float64(total)/1e6)
		}
	}
}

// localWeights returns the path of a value of --weights: the value itself, or where it is a name of package hub, the file
// in the cache.
func localWeights(cmd *cobra.Command, value string) (string, error) {
	if hub.IsName(value) {
		file, _, err := fetchWeights(cmd, value, hub.Options{})
		return file, err
	}
	if _, err := os.Stat(value); err != nil {
		if closest := hub.Closest(value); closest != "" {
			return "", fmt.Errorf("--weights %s: %w; did you mean %s?", value, fs.ErrNotExist, closest)
		}
	}
	return value, nil
}
