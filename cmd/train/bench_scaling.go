package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/bench"
	"depthwise.dev/distributed"
)

// scalingBench is the benchmark of training by several ranks.
type scalingBench struct {
	*benchmark
	latency   time.Duration
	bandwidth string // Gbit/s, separated by commas
}

// defaultLatency is a round trip between two programs of a rack, with TCP on Ethernet.
const defaultLatency = 100 * time.Microsecond

func newBenchScaling() *cobra.Command {
	b := scalingBench{benchmark: newBenchmark()}
	cmd := &cobra.Command{
		Use:   "scaling",
		Short: "Predict the speed of training by 2 to 256 processes, or measure it",
		Long: `Measure a training step of this process with its gradient buckets, and predict
how long it takes with 2 to 256 ranks, a machine each, that exchange gradients
by gloo: for links of --latency and --bandwidth, such as those that
train bench allreduce has measured.

With several ranks, by --nproc or a launcher, measure their link and their
training steps together, beside the prediction. See docs/scaling.md.`,
		Example: `  train bench scaling
  train bench scaling --batch-size 64 --latency 30us --bandwidth 25
  train bench scaling --nproc 2 --json`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var links []bench.Link
			check := func(ranks int) (err error) {
				links, err = b.links(cmd, ranks)
				return err
			}
			return b.onRanks(cmd, check, func(ctx context.Context, g *distributed.Group) error { return b.run(ctx, cmd, g, links) })
		},
	}
	dataFlags(cmd, &b.Config)
	modelFlags(cmd, &b.Config)
	hardwareFlags(cmd, &b.Precision, &b.Device, &b.Backend, &b.Threads)
	rankFlags(cmd, b.settings)
	flagGroup(cmd, groupMeasurement, func(fs *pflag.FlagSet) {
		fs.DurationVar(&b.latency, "latency", defaultLatency, "round trip of a small message between two programs")
		fs.StringVar(&b.bandwidth, "bandwidth", "1,10,100", "Gbit/s of the links to predict for, separated by commas")
	})
	b.flags(cmd, "training steps")
	return cmd
}

func (b scalingBench) run(ctx context.Context, cmd *cobra.Command, g *distributed.Group, links []bench.Link) error {
	r, err := bench.Scaling(ctx, b.Config, g, links, b.steps)
	if err != nil || !g.First() {
		return err
	}
	return show(cmd, b.asJSON, r, func() string { return scalingText(r) })
}

// links are those of the flags, for some ranks.
func (b scalingBench) links(cmd *cobra.Command, ranks int) ([]bench.Link, error) {
	for _, name := range []string{"latency", "bandwidth"} {
		if ranks > 1 && cmd.Flags().Changed(name) {
			return nil, usagef("--%s is for predictions of one process: several ranks measure their own link", name)
		}
	}
	if b.latency < 0 {
		return nil, usagef("--latency %v: must not be negative", b.latency)
	}
	var links []bench.Link
	for word := range strings.SplitSeq(b.bandwidth, ",") {
		gbits, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		if err != nil || !(gbits > 0) || math.IsInf(gbits, 0) {
			return nil, usagef("--bandwidth %q: must be numbers of Gbit/s above 0, separated by commas, such as 1,10,100", b.bandwidth)
		}
		links = append(links, bench.Link{LatencyUS: 1e6 * b.latency.Seconds(), GBits: gbits})
	}
	return links, nil
}

// scalingText formats the profile of the step and a table for each link.
func scalingText(r bench.ScalingSpeed) string {
	var t strings.Builder
	p := r.Profile
	fmt.Fprintf(&t, "%s %s, batch %d at %d (%s, backend %s, %s): %.1f ms per step of a rank by itself, %.1f img/s\n",
		r.Arch, r.Variant, r.Batch, r.Resolution, r.Precision, r.Kernels, threadsText(r.Threads), p.StepMS, 1000*float64(r.Batch)/p.StepMS)
	fmt.Fprintf(&t, "each step sums %.1f MB over the ranks: statistics, and gradients in buckets of", 1e-6*float64(p.Bytes()))
	for _, b := range p.Buckets {
		fmt.Fprintf(&t, " %.1f MB at %.1f ms,", 1e-6*float64(b.Bytes), b.ReadyMS)
	}
	fmt.Fprintf(&t, " of a backward pass that ends at %.1f ms\n", p.BackwardMS)
	if m := r.Measured; m != nil {
		writeMeasured(&t, r, *m)
	} else {
		fmt.Fprintf(&t, "gloo on this machine's loopback interface: %.1f Gbit/s, which counts for faster links\n", r.Software.GBits)
	}
	for _, l := range r.Links {
		fmt.Fprintf(&t, "\npredicted, %s (latency %.0f us, %.3g Gbit/s for gloo), a machine for each rank:\n", l.Name, l.LatencyUS, l.GBits)
		fmt.Fprintf(&t, "%6s %10s %14s %12s %11s %12s\n", "ranks", "step ms", "all-reduce ms", "exposed ms", "efficiency", "img/s")
		for _, n := range l.Ranks {
			fmt.Fprintf(&t, "%6d %10.1f %14.1f %12.1f %10.1f%% %12.1f\n", n.Ranks, n.StepMS, n.CommunicationMS, n.ExposedMS, 100*n.Efficiency,
				1000*float64(n.Ranks*r.Batch)/n.StepMS)
		}
	}
	return t.String() + speedNotes(r.ComputeSpeed)
}

// writeMeasured writes the steps of several ranks beside their prediction.
func writeMeasured(t *strings.Builder, r bench.ScalingSpeed, m bench.MeasuredRanks) {
	n := m.Predicted
	fmt.Fprintf(t, "link of the %d ranks: latency %.0f us, %.2f Gbit/s (%s)\n", m.AllReduce.Ranks, m.AllReduce.Link.LatencyUS, m.AllReduce.Link.GBits, m.AllReduce.Backend)
	fmt.Fprintf(t, "measured together:  %s per step, of which gradients are awaited for %.1f ms; %.1f img/s\n",
		timesText(m.Timing), m.ExposedMS, 1000*float64(n.Ranks*r.Batch)/m.StepMS)
	fmt.Fprintf(t, "predicted together: %.1f ms per step, of which gradients are awaited for %.1f ms; measured/predicted %.3f\n",
		n.StepMS, n.ExposedMS, m.StepMS/n.StepMS)
	t.WriteString(notesText(m.Timing, r.Threads))
}
