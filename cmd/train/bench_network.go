package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/bench"
	"depthwise.dev/config"
	"depthwise.dev/report/charts"
)

// layerFlags are the flags of benchmarks that report per-layer times.
type layerFlags struct {
	enabled bool
	plot    string
}

func (l *layerFlags) flags(cmd *cobra.Command) {
	flagGroup(cmd, groupMeasurement, func(fs *pflag.FlagSet) {
		fs.BoolVar(&l.enabled, "layers", false, "report per-layer times against the roofline (fused backend)")
		fs.StringVar(&l.plot, "plot", "", "with --layers, draw a roofline chart to a PNG file")
		filePath(fs, "plot", "png")
	})
}

func (l *layerFlags) validate() error {
	if l.plot != "" && !l.enabled {
		return usagef("--plot draws layers: it needs --layers")
	}
	if l.plot != "" {
		return checkOutput("plot", l.plot, ".png")
	}
	return nil
}

// networkBench is a benchmark of a network with a result R, and a result L with --layers.
type networkBench[R, L any] struct {
	use, short, long, example string
	unit                      string // of what is measured

	whole      func(context.Context, config.Config, bench.Steps) (R, error)
	wholeText  func(R) string
	layers     func(context.Context, config.Config, bench.Steps) (L, error)
	layersText func(L) string
	chart      func(L) charts.Roofline
}

func newBenchStep() *cobra.Command {
	return networkBench[bench.StepSpeed, bench.StepLayersSpeed]{
		use:   "step",
		short: "Measure training steps: forward, backward, update",
		long: `Measure training steps. Without --data one synthetic batch is reused; with it,
each step waits for its batch as in training.

--layers reports, for each layer, forward and backward: milliseconds, fraction
of the step, GFLOP/s, GB/s, and the time relative to its memory and arithmetic
floors. Floors follow from the peaks of this machine, which are measured before
and after. See docs/layers.md.`,
		example: `  train bench step --json
  train bench step --layers
  train bench step --precision fp32 --batch-size 64 --width 0.5 --data photos`,
		unit:  "steps",
		whole: bench.Step, wholeText: stepText,
		layers: bench.StepLayers, layersText: layersText,
		chart: func(r bench.StepLayersSpeed) charts.Roofline {
			return rooflineOf("training step", r.ComputeSpeed, r.LayerTable)
		},
	}.command()
}

func newBenchInfer() *cobra.Command {
	return networkBench[bench.InferSpeed, bench.InferLayersSpeed]{
		use:   "infer",
		short: "Measure inference: the forward pass of evaluation",
		long: `Measure the forward pass of evaluation, on a synthetic batch or the first batch
of --data.

--layers reports, for each layer: milliseconds, fraction of the total, GFLOP/s,
GB/s, and the time relative to its memory and arithmetic floors. Threads process
different images, so the time of a layer is the sum over threads divided by
their number. Time spent waiting has a row of its own. See docs/layers.md.`,
		example: `  train bench infer --batch-size 1 --json
  train bench infer --layers --plot layers.png`,
		unit:  "batches",
		whole: bench.Infer, wholeText: inferText,
		layers: bench.InferLayers, layersText: inferLayersText,
		chart: func(r bench.InferLayersSpeed) charts.Roofline {
			return rooflineOf("inference", r.ComputeSpeed, r.LayerTable)
		},
	}.command()
}

func (n networkBench[R, L]) command() *cobra.Command {
	b, layers := newBenchmark(), layerFlags{}
	cmd := &cobra.Command{
		Use: n.use, Short: n.short, Long: n.long, Example: n.example,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := layers.validate(); err != nil {
				return err
			}
			if err := b.ready(cmd); err != nil {
				return err
			}
			noteMachine(cmd, b.BackendOptions())
			if layers.enabled {
				return n.runLayers(cmd, b, layers.plot)
			}
			r, err := n.whole(cmd.Context(), b.Config, b.steps)
			if err != nil {
				return err
			}
			return show(cmd, b.asJSON, r, func() string { return n.wholeText(r) })
		},
	}
	dataFlags(cmd, &b.Config)
	modelFlags(cmd, &b.Config)
	hardwareFlags(cmd, &b.Precision, &b.Device, &b.Backend, &b.Threads)
	gpuFlags(cmd, &b.Config)
	b.flags(cmd, n.unit)
	layers.flags(cmd)
	return cmd
}

// runLayers measures and prints the layers, and draws them unless plot is empty.
func (n networkBench[R, L]) runLayers(cmd *cobra.Command, b *benchmark, plot string) error {
	r, err := n.layers(cmd.Context(), b.Config, b.steps)
	if err != nil {
		return err
	}
	if err := show(cmd, b.asJSON, r, func() string { return n.layersText(r) }); err != nil {
		return err
	}
	return plotRoofline(plot, n.chart(r))
}
