package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"depthwise.dev/data"
	"depthwise.dev/report/runs"
)

// runsFolder is where runs are without --out.
const runsFolder = "runs"

func newRuns() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "runs [DIR] [flags]",
		Short: "List training runs",
		Long: `List the runs in a folder, without DIR those in runs/, the last changed first.

A run is running, finished, interrupted (stopped after a checkpoint), failed, or
killed (SIGKILL, a crash or a power cut). train resume continues all but the
first two.`,
		Example: `  train runs
  train runs /data/experiments --json
  train runs diff runs/photos-1 runs/photos-2
  train runs prune --checkpoints --older-than 720h
  train runs serve`,
		Args: oneFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := listRuns(cmd, args)
			if err != nil {
				return err
			}
			return show(cmd, asJSON, list, func() string { return runsText(list, time.Now()) })
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.AddCommand(newRunsDiff(), newRunsPrune(), newRunsServe())
	return cmd
}

// listRuns reads the runs in the folder of the argument. Those that cannot be read are reported on standard error.
func listRuns(cmd *cobra.Command, args []string) ([]runs.Run, error) {
	dir := runsFolder
	if len(args) > 0 {
		dir = args[0]
	}
	list, broken, err := runs.List(dir)
	if err != nil {
		return nil, err
	}
	for _, b := range broken {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %v\n", b)
	}
	if list == nil {
		list = []runs.Run{} // [] in JSON
	}
	return list, nil
}

// runsText is a table of runs.
func runsText(list []runs.Run, now time.Time) string {
	if len(list) == 0 {
		return "no runs\n"
	}
	rows := [][]string{{"run", "state", "epochs", "best top-1", "changed", "size", "network", "data"}}
	for _, r := range list {
		best := "-"
		if r.BestEpoch > 0 {
			best = bestOf(r) + fmt.Sprintf(" (%d)", r.BestEpoch)
		}
		rows = append(rows, []string{data.ShowName(r.Dir), string(r.State), epochsText(r), best,
			age(now.Sub(r.Changed)), megabytes(r.Bytes), data.ShowName(r.Network), data.ShowName(r.Data)})
	}
	text := table(rows)
	for _, r := range list {
		if r.Error != "" {
			text += fmt.Sprintf("%s failed: %s\n", data.ShowName(r.Dir), r.Error)
		}
	}
	return text
}

// epochsText writes the completed epochs, and those of the whole run unless a time limits it.
func epochsText(r runs.Run) string {
	if r.Epochs == 0 {
		return strconv.Itoa(r.Completed)
	}
	return fmt.Sprintf("%d/%d", r.Completed, r.Epochs)
}

// age writes how long ago something was, in the largest whole unit.
func age(d time.Duration) string {
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if n := int(d / unit.of); n > 1 {
			return fmt.Sprintf("%d %ss ago", n, unit.name)
		} else if n == 1 {
			return "1 " + unit.name + " ago"
		}
	}
	return "now"
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
