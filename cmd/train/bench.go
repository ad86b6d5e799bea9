package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/bench"
	"depthwise.dev/config"
)

func newBench() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure training, inference, the data loader or all-reduces",
		Example: `  train bench step
  train bench loader --data photos`,
		Args: oneCommand,
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	cmd.AddCommand(newBenchStep(), newBenchInfer(), newBenchLoader(), newBenchAllReduce(), newBenchScaling())
	return cmd
}

// benchmark is the common part of the benchmarks.
type benchmark struct {
	*settings
	steps  bench.Steps
	asJSON bool
}

// leastTime is how long a benchmark measures unless --steps says otherwise: long enough that ticks of 10 ms tell what other
// processes took, and for a 99th percentile of short steps.
const leastTime = 2 * time.Second

func newBenchmark() *benchmark {
	return &benchmark{settings: newSettings(), steps: bench.Steps{Warmup: 3, Count: 10, Least: leastTime}}
}

func (b *benchmark) flags(cmd *cobra.Command, what string) {
	flagGroup(cmd, groupMeasurement, func(fs *pflag.FlagSet) {
		fs.IntVar(&b.steps.Count, "steps", b.steps.Count, what+" to measure")
		defaultText(fs, "steps", fmt.Sprintf("%d, and as many as fit into %v", b.steps.Count, b.steps.Least))
		fs.IntVar(&b.steps.Warmup, "warmup-steps", b.steps.Warmup, what+" to run before measuring")
	})
	jsonFlag(cmd, &b.asJSON)
}

// ready resolves the flags and finds the dataset, if one is given.
func (b *benchmark) ready(cmd *cobra.Command) error {
	if b.steps.Count < 1 || b.steps.Warmup < 0 || max(b.steps.Count, b.steps.Warmup) > config.MaxCount {
		return usagef("--steps must be 1 to %d, and --warmup-steps 0 to %d", config.MaxCount, config.MaxCount)
	}
	if cmd.Flags().Changed("steps") {
		b.steps.Least = 0
	}
	if err := b.resolve(cmd); err != nil {
		return err
	}
	dir, err := dataFolder(cmd, b.Data)
	b.Data = dir
	return err
}

func newBenchLoader() *cobra.Command {
	b := newBenchmark()
	b.steps = bench.Steps{Warmup: 5, Count: 50, Least: leastTime}
	cmd := &cobra.Command{
		Use:   "loader --data DIR [flags]",
		Short: "Measure the data loader: decoding, cropping, augmentation",
		Example: `  train bench loader --data photos --workers 2 --json
  train bench loader --data imagenet --resolution 224 --steps 200`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
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
				return fmt.Sprintf("%.1f img/s, %s per batch of %d at %d (%d workers), peak memory %d MB\n%s",
					r.ImagesPerSecond, timesText(r.Timing), r.Batch, r.Resolution, r.Workers, r.PeakRSSMB, notesText(r.Timing, max(r.Workers, 1)))
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
