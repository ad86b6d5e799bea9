package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/bench"
	"depthwise.dev/distributed"
)

// onRanks calls f on each rank: of those that --nproc starts, or that a launcher has started. A process alone has a nil group.
// check refuses flags for a number of ranks before any is started.
func (b *benchmark) onRanks(cmd *cobra.Command, check func(ranks int) error, f func(context.Context, *distributed.Group) error) error {
	if err := b.findRank(cmd); err != nil {
		return err
	}
	if err := check(max(1, b.ranks.env.Size)); err != nil {
		return err
	}
	if err := b.ready(cmd); err != nil {
		return err
	}
	if b.ranks.env.Spawn > 0 {
		return startRanks(cmd, b.ranks.env, b.Config)
	}
	group, err := joinGroup(cmd, b.settings)
	if err != nil {
		return err
	}
	ctx, cancel := group.Context(cmd.Context())
	defer cancel()
	return leaveGroup(group, f(ctx, group))
}

func newBenchAllReduce() *cobra.Command {
	b := newBenchmark()
	b.steps.Least /= 4 // there are several sizes
	cmd := &cobra.Command{
		Use:   "allreduce",
		Short: "Measure how fast several processes add up tensors",
		Long: `Measure all-reduces of 1 KiB to 64 MiB among the processes of a group, as
training does with gradients: by gloo on the CPU, by NCCL on GPUs.

Start it as you would start training: with --nproc N on one machine, or with
torchrun, srun or mpirun on several. Rank 0 prints latency and bandwidth by size
and which addresses were used. train bench scaling predicts the speed of
training from them. See docs/scaling.md.`,
		Example: `  train bench allreduce --nproc 2
  train bench allreduce --nproc 4 --steps 100 --json`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			several := func(ranks int) error {
				if ranks < 2 {
					return usagef("%s needs at least two processes: --nproc 2 starts them on this machine, torchrun, srun or mpirun on several", cmd.CommandPath())
				}
				return nil
			}
			return b.onRanks(cmd, several, func(ctx context.Context, g *distributed.Group) error { return b.allReduce(ctx, cmd, g) })
		},
	}
	flagGroup(cmd, groupHardware, func(fs *pflag.FlagSet) {
		fs.Var(known{&b.Device, backend.Devices, "NAME"}, "device", "compute device")
	})
	rankFlags(cmd, b.settings)
	b.flags(cmd, "all-reduces of each size")
	return cmd
}

func (b *benchmark) allReduce(ctx context.Context, cmd *cobra.Command, g *distributed.Group) error {
	device, err := autograd.ParseDevice(b.Device)
	if err != nil {
		return err
	}
	r, err := bench.AllReduce(ctx, g, device, bench.AllReduceSizes(), b.steps)
	if err != nil || !g.First() {
		return err
	}
	return show(cmd, b.asJSON, r, func() string { return allReduceText(r) })
}

// allReduceText formats the speeds as a table.
func allReduceText(r bench.AllReduceSpeed) string {
	var t strings.Builder
	fmt.Fprintf(&t, "%d ranks, %s%s, tensors on %s\n", r.Ranks, r.Backend, algorithmText(r.Algorithm), r.Device)
	for _, m := range r.Members {
		fmt.Fprintf(&t, "rank %d: %s, pid %d", m.Rank, m.Host, m.PID)
		if m.Address != "" {
			fmt.Fprintf(&t, ", at %s", m.Address)
		}
		t.WriteString("\n")
	}
	fmt.Fprintf(&t, "\n%9s %11s %11s %9s %11s %7s\n", "size", "median ms", "p99 ms", "Gbit/s", "CPU ms", "count")
	for _, s := range r.Sizes {
		fmt.Fprintf(&t, "%9s %11.3f %11.3f %9.3f %11.3f %7d\n", sizeText(s.Bytes), s.MedianMS, s.P99MS, s.GBits, s.CPUMS, s.Measured)
	}
	fmt.Fprintf(&t, "\nGbit/s: what each rank sends and receives. p99: of fewer than 100 the slowest. CPU: this rank's processors' time.\n")
	fmt.Fprintf(&t, "link: latency %.0f us, %.3g Gbit/s; train bench scaling --latency %.0fus --bandwidth %.3g predicts the speed of training on it\n",
		r.Link.LatencyUS, r.Link.GBits, r.Link.LatencyUS, r.Link.GBits)
	return t.String() + notesText(bench.Timing{Load: r.Load}, 1)
}

func algorithmText(name string) string {
	if name == "" {
		return ""
	}
	return " (" + name + ")"
}

// sizeText is "4 KiB" or "16 MiB".
func sizeText(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%g KiB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%g MiB", float64(bytes)/(1<<20))
}
