package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"depthwise.dev/data"
	"depthwise.dev/report/runs"
)

func newRunsDiff() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:               "diff RUN RUN [flags]",
		Short:             "Show the settings in which two runs differ, and their results",
		Example:           `  train runs diff runs/photos-1 runs/photos-2`,
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("train runs diff needs the folders of two runs, got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a, errA := runs.Open(args[0])
			b, errB := runs.Open(args[1])
			if err := errors.Join(errA, errB); err != nil {
				return err
			}
			result := comparedRuns{a, b, runs.Diff(a, b)}
			return show(cmd, asJSON, result, result.text)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// comparedRuns is the JSON form of two compared runs.
type comparedRuns struct {
	A         runs.Run          `json:"a"`
	B         runs.Run          `json:"b"`
	Different []runs.Difference `json:"settings"`
}

func (c comparedRuns) text() string {
	rows := [][]string{{"", data.ShowName(c.A.Dir), data.ShowName(c.B.Dir)}}
	for _, d := range c.Different {
		rows = append(rows, []string{d.Setting, shownSetting(d.A), shownSetting(d.B)})
	}
	row := func(name string, value func(runs.Run) string) {
		rows = append(rows, []string{name, value(c.A), value(c.B)})
	}
	row("state", func(r runs.Run) string { return string(r.State) })
	row("completed epochs", func(r runs.Run) string { return fmt.Sprint(r.Completed) })
	row("best top-1", func(r runs.Run) string {
		if r.BestEpoch == 0 {
			return "-"
		}
		return bestOf(r) + fmt.Sprintf(" (epoch %d)", r.BestEpoch)
	})
	text := table(rows)
	if len(c.Different) == 0 {
		text += "the settings are the same\n"
	}
	return text
}

func shownSetting(value string) string {
	if value == "" {
		return "-"
	}
	return data.ShowName(value)
}
