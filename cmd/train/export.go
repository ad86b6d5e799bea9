package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/formats"
	"depthwise.dev/weights"
)

func newExport() *cobra.Command {
	c := weights.ExportOptions{Format: "safetensors"}
	cmd := &cobra.Command{
		Use:   "export --weights FILE --format safetensors|npz --output PATH",
		Short: "Write trained weights for other programs",
		Long: `Write the weights alone, in float32, under timm's names.

safetensors carries variant, width, resolution, classes and preprocessing in
its metadata and can be given to --weights; npz is NumPy's, arrays alone.`,
		Example: `  train export --weights runs/photos-1 --format npz --output photos.npz`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "weights", "output"); err != nil {
				return err
			}
			if err := weights.Export(c); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s\n", c.Output)
			return nil
		},
	}
	weightsFlag(cmd, &c.Weights)
	rawFlag(cmd, &c.Raw)
	flagGroup(cmd, "Output", func(fs *pflag.FlagSet) {
		fs.Var(choice{&c.Format, formats.Names()}, "format", "of the file")
		fs.StringVar(&c.Output, "output", "", "`PATH` of the file to write")
	})
	return cmd
}
