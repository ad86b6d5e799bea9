package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/formats"
	"depthwise.dev/weights"
)

func newExport() *cobra.Command {
	c, fold := formats.ExportOptions{}, true
	cmd := &cobra.Command{
		Use:   "export --weights FILE --output FILE [flags]",
		Short: "Write trained weights for other programs",
		Long: `Write trained weights for other programs. The extension of the output selects
the format, without one safetensors:

` + formatTable() + `

A link is followed. A device or FIFO, such as /dev/stdout, is written directly.`,
		Example: `  train export --weights runs/photos-1 --output photos.safetensors
  train export --weights runs/photos-1 --output photos.npz
  train export --weights runs/photos-1 --output photos.onnx --uint8-input
  train export --weights runs/photos-1 --output hub/model.npz --model-card`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "weights", "output"); err != nil {
				return err
			}
			c.KeepBatchNorm = !fold
			if err := checkExportOutput(c); err != nil {
				return err
			}
			var err error
			if c.Weights, err = localWeights(cmd, c.Weights); err != nil {
				return err
			}
			card := ""
			c.Wrote = func(path string) { card = path }
			if err := formats.Export(c); err != nil {
				return err
			}
			written := c.Output
			if sidecar := weights.SidecarPath(c.Output); isFile(sidecar) {
				written += ", and its origin and license to " + sidecar
			}
			if card != "" {
				written += ", and its model card to " + card
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s\n", written)
			return nil
		},
	}
	readingFlags(cmd, &c.Weights, &c.ReadOptions)
	rawFlag(cmd, &c.Raw)
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.Var(choice{&c.Format, formats.Names()}, "format", "file format")
		defaultText(fs, "format", "that of the extension")
		fs.Var(choice{&c.DType, formats.DTypes}, "dtype", "type of the stored weights")
		defaultText(fs, "dtype", formats.Float32)
		fs.BoolVar(&fold, "fold-batch-norm", fold, "fold batch norm into convolutions, in formats that hold operations")
		fs.BoolVar(&c.Uint8Input, "uint8-input", false, "take uint8 pixels in NHWC order and normalize them in the network")
		fs.BoolVar(&c.ModelCard, "model-card", false, "write a README.md for Hugging Face too, beside the output or into its folder")
		fs.StringVar(&c.Output, "output", "", "file to write")
		filePath(fs, "output", extensions(func(f formats.Format) bool { return f.Write != nil })...)
	})
	return cmd
}

// checkExportOutput refuses an output and options before the work that they are for.
func checkExportOutput(c formats.ExportOptions) error {
	f, err := formats.ForOutput(c.Output, c.Format)
	if err != nil {
		return usageError{err}
	}
	if err := f.Check(c.WriteOptions); err != nil {
		return usageError{err}
	}
	if f.Folder {
		return checkOutputFolder("output", c.Output)
	}
	return checkOutput("output", c.Output)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// formatTable has a line for each format that can be written, and the names of those that can be read.
func formatTable() string {
	var b strings.Builder
	var readable []string
	for _, f := range formats.All {
		if f.Write != nil {
			fmt.Fprintf(&b, "  %-20s %s\n", selectedBy(f), f.Description)
		}
		if f.Read != nil {
			readable = append(readable, f.Name)
		}
	}
	return b.String() + "\nAccepted as --weights: " + strings.Join(readable, ", ") + "."
}

// selectedBy is what selects a format: its extensions, or --format where they select another one or a folder has none.
func selectedBy(f formats.Format) string {
	var list []string
	for _, extension := range f.Extensions {
		if selected, err := formats.ForOutput("x"+extension, ""); err == nil && selected.Name == f.Name {
			list = append(list, extension)
		}
	}
	if list == nil {
		return "--format " + f.Name
	}
	return strings.Join(list, ", ")
}

// extensions are those of some formats, without the dot and each once, for shell completion.
func extensions(of func(formats.Format) bool) []string {
	var list []string
	for _, f := range formats.All {
		if !of(f) {
			continue
		}
		for _, extension := range f.Extensions {
			if name := strings.TrimPrefix(extension, "."); !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}
