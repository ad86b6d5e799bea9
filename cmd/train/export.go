package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/formats"
)

func newExport() *cobra.Command {
	c := formats.ExportOptions{}
	cmd := &cobra.Command{
		Use:   "export --weights FILE --output FILE [flags]",
		Short: "Write trained weights for other programs",
		Long: `Write trained weights in float32, under the parameter names of timm.

The extension of the output selects the format. The metadata of a safetensors
file holds architecture, variant, width, resolution, classes and preprocessing,
and the file is accepted as --weights. npz holds arrays only.`,
		Example: `  train export --weights runs/photos-1 --output photos.safetensors
  train export --weights runs/photos-1 --output photos.npz`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "weights", "output"); err != nil {
				return err
			}
			if err := formats.Export(c); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s\n", c.Output)
			return nil
		},
	}
	weightsFlag(cmd, &c.Weights)
	rawFlag(cmd, &c.Raw)
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.Var(choice{&c.Format, formats.Names()}, "format", "file format")
		defaultText(fs, "format", "that of the extension")
		fs.StringVar(&c.Output, "output", "", "file to write")
		filePath(fs, "output", "safetensors", "npz")
	})
	return cmd
}
