package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"depthwise.dev/config"
	"depthwise.dev/distributed"
	"depthwise.dev/internal/terminal"
	"depthwise.dev/report"
	"depthwise.dev/train"
)

// trainOnce is the root command: one run.
func trainOnce(cmd *cobra.Command, s *settings) error {
	if s.file == "" && s.Data == "" && s.Resume != "" {
		return usagef("no dataset given: to continue a run with its own data and settings, use train resume RUN")
	}
	if s.file == "" && s.Data == "" {
		return usagef("no dataset given: use --data DIR with a folder of images per class, or --data mnist")
	}
	return fit(cmd, s)
}

// fit trains as configured, and ends with the commands that may follow.
func fit(cmd *cobra.Command, s *settings) error {
	if err := s.findRank(cmd); err != nil {
		return err
	}
	c, err := s.checked(cmd)
	if err != nil {
		return err
	}
	if s.ranks.env.Spawn > 0 {
		return startRanks(cmd, s.ranks.env, c)
	}
	group, err := joinGroup(cmd, s)
	if err != nil {
		return err
	}
	if !group.First() {
		return leaveGroup(group, fitElsewhere(cmd, c, group))
	}
	return leaveGroup(group, fitHere(cmd, s, c, group))
}

// fitHere trains in a process alone or as rank 0, which records the run.
func fitHere(cmd *cobra.Command, s *settings, c config.Config, group *distributed.Group) error {
	served, err := s.serveLive(cmd, c)
	if err != nil {
		return err
	}
	defer served.close()
	if _, err = dataFolder(cmd, c.Data); err != nil { // c.Data stays "mnist", so that config.yaml repeats the run elsewhere
		return err
	}
	waitForCheckpoint(cmd.Context())
	progress := &shared{Recorder: served.record(recorder(c.Progress, cmd.ErrOrStderr()))}
	c.Remote = newRemote(func(text string) { _ = progress.Record(report.Note{Level: report.Warning, Text: text}) }) // the run reports an error of progress itself
	result, err := fitTracked(cmd, c, progress, train.Trainer{Control: served.requests(), Group: group})
	closed := progress.Close()
	switch {
	case errors.Is(err, train.ErrInterrupted):
		return interruption{result, c, err}
	case err != nil:
		return err
	case closed != nil:
		return fmt.Errorf("progress: %w", closed)
	}
	if c.Progress != "none" && c.Progress != "json" { // standard error is silent, or JSON alone
		writeSummary(cmd.ErrOrStderr(), programName(os.Args[0]), c, result)
	}
	return nil
}

// recorder reports the run in the form that --progress selects.
func recorder(progress string, w io.Writer) report.Recorder {
	switch progress {
	case "bar":
		return report.NewBar(w, isTerminal(w))
	case "plain":
		return report.NewPlain(w)
	case "json":
		return report.NewJSON(w)
	case "none":
		return report.Multi{}
	}
	if isTerminal(w) {
		return report.NewBar(w, true)
	}
	return report.NewPlain(w)
}

// isTerminal reports whether w is a terminal that can redraw a line. One with TERM=dumb or without
// TERM cannot.
func isTerminal(w io.Writer) bool { return terminal.Is(w) }
