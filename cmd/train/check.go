package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/autograd/oracle/suite"
	"depthwise.dev/diagnose"
)

func newCheck() *cobra.Command {
	s, asJSON, images := newSettings(), false, -1
	plot, weights := "", ""
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Compare the network's gradients in every way to compute them",
		Long: `Compare the configured network with libtorch in float64, layer by layer and as
a whole: libtorch in fp32 and bf16, another library (gorgonia), and differences
of the forward pass. Exit code 1 when one differs by more than it may. The
output is what a bug report needs.

The arrays are drawn at random; the images are noise, or a batch of --data. At
224x224 it takes about half a minute; a smaller --resolution or --width is
quicker. Where whole networks are too large for gorgonia, their layers alone
are compared with it.

With --plot nothing is compared: one training step is taken in memory, and a
page shows what it does in each layer: norms of gradients, updates in
proportion to weights, activations. --weights names the checkpoint, run or
export to look at; without it the initial weights are.`,
		Example: `  train check --width 0.5 --resolution 128
  train check --config runs/photos-1/config.yaml --data photos --json
  train check --plot layers.html --weights runs/photos-1 --data photos`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.resolve(cmd); err != nil {
				return err
			}
			if !cmd.Flags().Changed("data") {
				s.Data = "" // a configuration's own is for training
			}
			dir, err := dataFolder(cmd, s.Data)
			if err != nil {
				return err
			}
			s.Data = dir
			if plot != "" {
				return plotLayers(cmd, s.Config, weights, images, plot, asJSON)
			}
			if weights != "" {
				return usagef("--weights needs --plot: a comparison draws its arrays at random")
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
	flagGroup(cmd, "Data", func(fs *pflag.FlagSet) {
		fs.StringVar(&s.Data, "data", "", "`DIR` with images to take a batch of, or mnist (default noise)")
		fs.Var(auto[int]{&images}, "batch-size", "images (auto: the fewest that give batch norm 16 values a channel, at least 2; 32 with --plot)")
	})
	weightsFlag(cmd, &weights)
	modelFlags(cmd, &s.Config)
	flagGroup(cmd, "Machine", func(fs *pflag.FlagSet) {
		fs.IntVar(&s.Threads, "threads", s.Threads, "threads that compute (default one for each physical core)")
	})
	flagGroup(cmd, "Output", func(fs *pflag.FlagSet) {
		fs.StringVar(&s.file, "config", "", "`FILE` with settings, such as a run's config.yaml")
		fs.StringVar(&plot, "plot", "", "write what a training step does in each layer to this `FILE`, as HTML")
	})
	jsonFlag(cmd, &asJSON)
	return cmd
}

// checkText is the report as a table.
func checkText(r diagnose.CheckReport) string {
	var b strings.Builder
	images := "of noise"
	if r.Data != "" {
		images = "of " + r.Data
	}
	fmt.Fprintf(&b, "%s; %d images %s, %d threads\n", r.Network, r.Images, images, r.Threads)
	fmt.Fprintf(&b, "%s\n\n", strings.Join(r.Environment, "\n"))
	fmt.Fprintln(&b, "largest relative difference from libtorch in float64: values, gradients, statistics")
	fmt.Fprintf(&b, "%-22s%s\n", "layer, in training", columns(r.Engines))
	for _, row := range r.Layers {
		checkRow(&b, row)
	}
	fmt.Fprintln(&b)
	for _, row := range r.Networks {
		checkRow(&b, row)
	}
	var bounds []string
	for _, e := range suite.Engines {
		if e.Case == nil {
			bounds = append(bounds, "-")
			continue
		}
		bounds = append(bounds, fmt.Sprintf("%.0e", e.Bound))
	}
	fmt.Fprintf(&b, "%-22s%s\n\n", "allowed for a layer", columns(bounds))
	fmt.Fprintln(&b, "~ 1 - cosine; ! out of bounds; - not computed")
	for _, note := range leftOut(r.Report) {
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

// leftOut says once for each reason why an engine did not compute something.
func leftOut(r suite.Report) []string {
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
