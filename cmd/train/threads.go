package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/internal/host"
)

// Descriptions of the defaults of --threads and --workers.
const (
	threadsDefault = "OMP_NUM_THREADS, or one per physical core within affinity and quota"
	workersDefault = "auto, one per physical core within affinity and quota; with a GPU one per processor, less one"
)

// threadsFlag is the flag of every command that computes.
func threadsFlag(fs *pflag.FlagSet, threads *int) {
	fs.IntVar(threads, "threads", *threads, "compute threads")
	defaultText(fs, "threads", threadsDefault)
}

// warnThreads warns of more threads than the process has processors. A run warns itself, because its number may come from
// a file.
func warnThreads(cmd *cobra.Command) {
	f := cmd.Flags().Lookup("threads")
	if f == nil || cmd.Flags().Lookup("checkpoint-every") != nil {
		return
	}
	n, err := cmd.Flags().GetInt("threads")
	if err != nil {
		return
	}
	if n == 0 {
		n = host.Threads() // OMP_NUM_THREADS may name more, too
	}
	if text := host.ThisProcess().ThreadWarning(n); text != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", text)
	}
}
