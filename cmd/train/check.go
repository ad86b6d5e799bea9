package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/autograd/oracle/suite"
	"depthwise.dev/diagnose"
)

const checkLong = `Compare the gradients of a network, layer by layer and end to end, with libtorch
in float64. Checked are libtorch in fp32 and bf16, gorgonia, and finite
differences. The exit code is 1 if a difference exceeds its tolerance. Attach
the output to bug reports.

Weights are random; images are noise, or a batch of --data. At 224x224 it takes
about half a minute, less with a smaller --resolution or --width. Networks too
large for gorgonia are compared with it layer by layer only.

With --plot nothing is compared. Instead, one training step is computed in
memory, and an HTML page shows gradient norms, update-to-weight ratios and
activations of each layer, for --weights or for initial weights.`

func newCheck() *cobra.Command {
	s, asJSON, images := newSettings(), false, -1
	plot, weights := "", ""
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check gradients against independent implementations",
		Long:  checkLong,
		Example: `  train check --width 0.5 --resolution 128
  train check --config runs/photos-1/config.yaml --data photos --json
  train check --plot layers.html --weights runs/photos-1 --data photos`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if plot != "" {
				if err := checkOutput("plot", plot, ".html", ".htm"); err != nil {
					return err
				}
			}
			if err := s.resolve(cmd); err != nil {
				return err
			}
			if !cmd.Flags().Changed("data") {
				s.Data = "" // the data of --config is for training
			}
			dir, err := dataFolder(cmd, s.Data)
			if err != nil {
				return err
			}
			s.Data = dir
			if plot != "" && weights != "" {
				if weights, err = localWeights(cmd, weights); err != nil {
					return err
				}
			}
			if plot != "" {
				return plotLayers(cmd, s.Config, weights, images, plot, asJSON)
			}
			if weights != "" {
				return usagef("--weights needs --plot: a check uses random weights")
			}
			r, err := diagnose.Check(cmd.Context(), s.Config, images, bar(cmd.ErrOrStderr(), "check", inImages))
			if r.Layers == nil {
				return err
			}
			if shown := show(cmd, asJSON, r, func() string { return checkText(r) }); shown != nil {
				return shown
			}
			return err
		},
	}
	checkFlags(cmd, s, &images, &plot, &weights, &asJSON)
	return cmd
}

func checkFlags(cmd *cobra.Command, s *settings, images *int, plot, weights *string, asJSON *bool) {
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.StringVar(&s.Data, "data", "", "`DIR` with images for the batch, or mnist")
		fs.Var(auto[int]{images}, "batch-size", "images per batch; auto: at least 2, and 16 values per channel for batch norm; 32 with --plot")
		folderPath(fs, "data")
		defaultText(fs, "data", "noise")
	})
	weightsFlag(cmd, weights)
	listFlags(cmd, &s.Images, &s.LabelDelimiter, "images")
	modelFlags(cmd, &s.Config)
	flagGroup(cmd, groupHardware, func(fs *pflag.FlagSet) {
		threadsFlag(fs, &s.Threads)
	})
	flagGroup(cmd, groupRun, func(fs *pflag.FlagSet) {
		fs.StringVar(&s.file, "config", "", "YAML file with settings, such as the config.yaml of a run")
		filePath(fs, "config", "yaml", "yml")
	})
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.StringVar(plot, "plot", "", "write per-layer statistics of a training step to an HTML file")
		filePath(fs, "plot", "html")
	})
	jsonFlag(cmd, asJSON)
}

// checkText formats the report as a table.
func checkText(r diagnose.CheckReport) string {
	var b strings.Builder
	images := "of noise"
	if r.Data != "" {
		images = "of " + r.Data
	}
	fmt.Fprintf(&b, "%s; %d images %s, %d threads\n", r.Network, r.Images, images, r.Threads)
	fmt.Fprintf(&b, "%s\n\n", strings.Join(r.Environment, "\n"))
	fmt.Fprintln(&b, "maximum relative difference from libtorch in float64: values, gradients, statistics")
	fmt.Fprintf(&b, "%-22s%s\n", "layer, in training", columns(r.Engines))
	for _, row := range r.Layers {
		checkRow(&b, row)
	}
	fmt.Fprintln(&b)
	for _, row := range r.Networks {
		checkRow(&b, row)
	}
	var tolerances []string
	for _, e := range suite.Engines {
		if e.Case == nil {
			tolerances = append(tolerances, "-")
			continue
		}
		tolerances = append(tolerances, fmt.Sprintf("%.0e", e.Tolerance))
	}
	fmt.Fprintf(&b, "%-22s%s\n\n", "tolerance of a layer", columns(tolerances))
	fmt.Fprintln(&b, "~ 1 - cosine similarity; ! exceeds the tolerance; - not computed")
	for _, note := range notComputed(r.Report) {
		fmt.Fprintln(&b, "-", note)
	}
	for _, f := range r.Failures {
		fmt.Fprintln(&b, "!", f)
	}
	return b.String()
}

func columns(names []string) string {
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, "%-14s", n)
	}
	return strings.TrimRight(b.String(), " ")
}

// checkRow prints a cell for each engine.
func checkRow(b *strings.Builder, row suite.Row) {
	line := fmt.Sprintf("%-22s", row.Name)
	for _, c := range row.Cells {
		text := fmt.Sprintf("%.1e", c.Relative)
		switch {
		case c.Error != "":
			text = "error"
		case c.Left != "":
			text = "-"
		case c.Measure != "":
			text = "~" + text
		}
		if c.Failed {
			text += " !"
		}
		line += fmt.Sprintf("%-14s", text)
	}
	fmt.Fprintln(b, strings.TrimRight(line, " "))
}

// notComputed lists each reason why an engine did not compute something, once.
func notComputed(r suite.Report) []string {
	var list []string
	seen := map[string]bool{}
	for _, rows := range [][]suite.Row{r.Layers, r.Networks} {
		for _, row := range rows {
			for _, c := range row.Cells {
				if note := c.Engine + ": " + c.Left; c.Left != "" && !seen[note] {
					seen[note] = true
					list = append(list, note)
				}
			}
		}
	}
	return list
}
