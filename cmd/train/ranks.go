package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"depthwise.dev/config"
	"depthwise.dev/distributed"
	"depthwise.dev/distributed/launch"
	"depthwise.dev/report"
	"depthwise.dev/train"
)

// fitElsewhere trains as another rank than 0, which records the run: this one shows its warnings alone, and writes no files.
func fitElsewhere(cmd *cobra.Command, c config.Config, group *distributed.Group) error {
	if _, err := dataFolder(cmd, c.Data); err != nil {
		return err
	}
	waitForCheckpoint(cmd.Context())
	progress := &shared{Recorder: warnings{recorder(c.Progress, cmd.ErrOrStderr())}}
	c.Remote = newRemote(func(text string) { _ = progress.Record(report.Note{Level: report.Warning, Text: text}) }) // rank 0 reports the run
	trainer := train.Trainer{Group: group}
	ctx, release := groupContext(cmd.Context(), trainer)
	defer release()
	_, err := trainer.Fit(ctx, c, progress)
	if errors.Is(err, train.ErrInterrupted) {
		err = interruptedElsewhere{err}
	}
	return errors.Join(err, progress.Close())
}

// interruptedElsewhere is an interruption that rank 0 reports, with the checkpoint.
type interruptedElsewhere struct{ error }

func (i interruptedElsewhere) Unwrap() error { return i.error }

// saidByRankZero reports whether an error is an interruption, of all ranks, in another process than rank 0.
func saidByRankZero(err error) bool {
	if _, elsewhere := errors.AsType[interruptedElsewhere](err); elsewhere {
		return true
	}
	f, parent := errors.AsType[*launch.Failure](err)
	return parent && (f.Interrupted || f.Signal == 0 && f.Code == exitInterrupted)
}

// warnings records warnings alone.
type warnings struct{ report.Recorder }

// Record implements [report.Recorder].
func (w warnings) Record(e report.Event) error {
	if note, ok := e.(report.Note); ok && note.Level == report.Warning {
		return w.Recorder.Record(e)
	}
	return nil
}

// groupContext is a context that ends when the group of the trainer fails, too. The caller calls release.
func groupContext(ctx context.Context, t train.Trainer) (joined context.Context, release func()) {
	if group, ok := t.Group.(*distributed.Group); ok {
		return group.Context(ctx)
	}
	return ctx, func() {}
}

// leaveGroup leaves the group at the end of training: after all ranks have ended, or with the error for the other ranks.
func leaveGroup(group *distributed.Group, err error) error {
	if failed := group.Err(); failed != nil && err != nil {
		err = failed // the operation that it ended tells nothing
	}
	if err != nil && !errors.Is(err, train.ErrInterrupted) {
		group.Fail(err)
		return err
	}
	if failed := group.Close(); failed != nil {
		return failed
	}
	return err
}

// several reports whether a trainer is one of several ranks.
func several(t train.Trainer) bool { return t.Group != nil && t.Group.Size() > 1 }
