package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/bench"
)

func newBench() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the speed of training, inference or the loader on this machine",
		Args:  oneCommand,
		RunE:  func(*cobra.Command, []string) error { return nil },
	}
	cmd.AddCommand(newBenchStep(), newBenchInfer(), newBenchLoader())
	return cmd
}

// benchmark is what the three benchmarks share.
type benchmark struct {
	*settings
	steps  bench.Steps
	asJSON bool
}

func newBenchmark() *benchmark {
	return &benchmark{settings: newSettings(), steps: bench.Steps{Warmup: 3, Count: 10}}
}

func (b *benchmark) flags(cmd *cobra.Command, what string) {
	flagGroup(cmd, "Measurement", func(fs *pflag.FlagSet) {
		fs.IntVar(&b.steps.Count, "steps", b.steps.Count, what+" to measure; the median counts")
		fs.IntVar(&b.steps.Warmup, "warmup-steps", b.steps.Warmup, what+" before")
	})
	jsonFlag(cmd, &b.asJSON)
}

// ready resolves the flags and finds the data, if there is any.
func (b *benchmark) ready(cmd *cobra.Command) error {
	if b.steps.Count < 1 || b.steps.Warmup < 0 {
		return usagef("--steps must be at least 1, and --warmup-steps at least 0")
	}
	if err := b.resolve(cmd); err != nil {
		return err
	}
	dir, err := dataFolder(cmd, b.Data)
	b.Data = dir
	return err
}

// layersOf are the flags of benchmarks that tell where time goes.
type layersOf struct {
	asked bool
	plot  string
}

func (l *layersOf) flags(cmd *cobra.Command) {
	flagGroup(cmd, "Measurement", func(fs *pflag.FlagSet) {
		fs.BoolVar(&l.asked, "layers", false, "tell the time of each layer, and how near it is to what the machine allows (fused kernels)")
		fs.StringVar(&l.plot, "plot", "", "with --layers, draw them below the machine's roofs to this `FILE`, as PNG")
	})
}

func (l *layersOf) validate() error {
	if l.plot != "" && !l.asked {
		return usagef("--plot draws the layers: it needs --layers")
	}
	return nil
}

func newBenchStep() *cobra.Command {
	b, layers := newBenchmark(), layersOf{}
	cmd := &cobra.Command{
		Use:   "step",
		Short: "Time training steps: forward, backward, update",
		Long: `Time training steps. Without --data the batch is synthetic and made once;
with it, each step waits for its batch as training does.

With --layers a table tells where the step's time goes: for each layer, forward
and backward, milliseconds, share of the step, GFLOP/s, GB/s, and how many times
the least it takes that memory and arithmetic allow on this machine, whose peaks
are measured before and after. docs/layers.md tells how the least is counted.`,
		Example: `  train bench step --json
  train bench step --layers
  train bench step --precision fp32 --batch-size 64 --width 0.5 --data photos`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := b.ready(cmd); err != nil {
				return err
			}
			if err := layers.validate(); err != nil {
				return err
			}
			if layers.asked {
				r, err := bench.StepLayers(cmd.Context(), b.Config, b.steps)
				if err != nil {
					return err
				}
				if err := show(cmd, b.asJSON, r, func() string { return layersText(r) }); err != nil {
					return err
				}
				return plotRoofline(layers.plot, rooflineOf("training step", r.ComputeSpeed, r.LayerTable))
			}
			r, err := bench.Step(cmd.Context(), b.Config, b.steps)
			if err != nil {
				return err
			}
			return show(cmd, b.asJSON, r, func() string { return stepText(r) })
		},
	}
	dataFlags(cmd, &b.Config)
	modelFlags(cmd, &b.Config)
	machineFlags(cmd, &b.Precision, &b.Device, &b.Kernels, &b.Threads)
	b.flags(cmd, "steps")
	layers.flags(cmd)
	return cmd
}

func newBenchInfer() *cobra.Command {
	b, layers := newBenchmark(), layersOf{}
	cmd := &cobra.Command{
		Use:   "infer",
		Short: "Time the network's forward pass as evaluation runs it",
		Long: `Time the network's forward pass, on a synthetic batch or on the first of --data.

With --layers a table tells where the time goes: for each layer milliseconds,
share, GFLOP/s, GB/s, and how many times the least it takes that memory and
arithmetic allow on this machine. Threads work on different images, so the time
of a layer is that of all threads together, divided by their number; what they
wait has a row. docs/layers.md tells more.`,
		Example: `  train bench infer --batch-size 1 --json
  train bench infer --layers --plot layers.png`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := b.ready(cmd); err != nil {
				return err
			}
			if err := layers.validate(); err != nil {
				return err
			}
			if layers.asked {
				r, err := bench.InferLayers(cmd.Context(), b.Config, b.steps)
				if err != nil {
					return err
				}
				if err := show(cmd, b.asJSON, r, func() string { return inferLayersText(r) }); err != nil {
					return err
				}
				return plotRoofline(layers.plot, rooflineOf("inference", r.ComputeSpeed, r.LayerTable))
			}
			r, err := bench.Infer(cmd.Context(), b.Config, b.steps)
			if err != nil {
				return err
			}
			return show(cmd, b.asJSON, r, func() string { return inferText(r) })
		},
	}
	dataFlags(cmd, &b.Config)
	modelFlags(cmd, &b.Config)
	machineFlags(cmd, &b.Precision, &b.Device, &b.Kernels, &b.Threads)
	b.flags(cmd, "batches")
	layers.flags(cmd)
	return cmd
}

func newBenchLoader() *cobra.Command {
	b := newBenchmark()
	b.steps = bench.Steps{Warmup: 5, Count: 50}
	cmd := &cobra.Command{
		Use:   "loader --data DIR",
		Short: "Time the training pipeline: decode, random resized crop, flip, uint8 batches",
		Example: `  train bench loader --data photos --workers 2 --json
  train bench loader --data imagenet --resolution 224 --steps 200`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "data"); err != nil {
				return err
			}
			if err := b.ready(cmd); err != nil {
				return err
			}
			r, err := bench.Loader(cmd.Context(), b.Config, b.steps)
			if err != nil {
				return err
			}
			return show(cmd, b.asJSON, r, func() string {
				return fmt.Sprintf("%.1f img/s (%d workers, batches of %d at %d), %d MB at most\n",
					r.ImagesPerSecond, r.Workers, r.Batch, r.Resolution, r.PeakRSSMB)
			})
		},
	}
	dataFlags(cmd, &b.Config)
	exifFlag(cmd, &b.Config)
	modelFlags(cmd, &b.Config)
	augmentFlags(cmd, &b.Config)
	b.flags(cmd, "batches")
	return cmd
}
