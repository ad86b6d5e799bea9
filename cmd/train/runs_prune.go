package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/data"
	"depthwise.dev/report/runs"
)

func newRunsPrune() *cobra.Command {
	var o runs.PruneOptions
	remove, asJSON := false, false
	cmd := &cobra.Command{
		Use:   "prune [DIR] [flags]",
		Short: "Remove old checkpoints and unfinished runs",
		Long: `List what can be removed of the runs in a folder, without DIR those in runs/,
and remove it with --remove. Runs in which a process trains are never touched.`,
		Example: `  train runs prune --checkpoints
  train runs prune --unfinished --older-than 168h --remove`,
		Args: oneFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !o.Checkpoints && !o.Unfinished {
				return usagef("train runs prune needs --checkpoints, --unfinished or both")
			}
			list, err := listRuns(cmd, args)
			if err != nil {
				return err
			}
			o.Now = time.Now()
			plan, err := runs.Plan(list, o)
			if err != nil {
				return err
			}
			if remove {
				if err := runs.Remove(plan); err != nil {
					return err
				}
			}
			return show(cmd, asJSON, plan, func() string { return pruneText(plan, remove) })
		},
	}
	flagGroup(cmd, groupRun, func(fs *pflag.FlagSet) {
		fs.BoolVar(&o.Checkpoints, "checkpoints", false, "the checkpoints of finished runs, except the newest of each")
		fs.BoolVar(&o.Unfinished, "unfinished", false, "failed, killed and interrupted runs")
		fs.DurationVar(&o.OlderThan, "older-than", 0, "only of runs that have not changed for this time, such as 168h")
		fs.BoolVar(&remove, "remove", false, "remove them, instead of listing them")
	})
	jsonFlag(cmd, &asJSON)
	return cmd
}

func pruneText(plan []runs.Removal, removed bool) string {
	var b strings.Builder
	var total int64
	for _, p := range plan {
		fmt.Fprintf(&b, "%s  %s: %s\n", megabytes(p.Bytes), data.ShowName(p.Path), p.Reason)
		total += p.Bytes
	}
	switch {
	case len(plan) == 0:
		b.WriteString("nothing to remove\n")
	case removed:
		fmt.Fprintf(&b, "removed %s\n", megabytes(total))
	default:
		fmt.Fprintf(&b, "%s in all; --remove removes them\n", megabytes(total))
	}
	return b.String()
}
