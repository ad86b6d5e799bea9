package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/report"
	"depthwise.dev/report/mlflow"
	"depthwise.dev/train"
)

// trackingFlags are the flags of what other tools show of a run.
func trackingFlags(fs *pflag.FlagSet, c *config.Config) {
	fs.Var(choice{&c.TensorBoard, config.TensorBoards}, "tensorboard", "event files for TensorBoard in the folder of the run")
}

// tracker passes a run on to another tool. Its errors do not end the run.
type tracker interface {
	name() string
	// start begins or continues the run in a folder.
	start(dir string, e report.Start) error
	report.Recorder // of the events after start; Close ends what start began
	// end is called with the error of the run, before Close.
	end(err error) error
}

// tracking passes events to the progress and to trackers. A tracker that fails is a warning, once, and so is one that did not start,
// which gets no events.
type tracking struct {
	progress report.Recorder
	closed   bool // the progress failed, as of a closed terminal, which does not end the run
	list     []*tracked
}

type tracked struct {
	tracker
	started, warned bool
}

// newTracking returns the trackers that the settings ask for, and what they need from training.
func newTracking(ctx context.Context, c config.Config, progress report.Recorder, ranks bool) (*tracking, []train.Callback) {
	t := &tracking{progress: progress}
	var callbacks []train.Callback
	if c.TensorBoard != config.TensorBoardOff {
		b := newBoard(ctx, c)
		b.averaged = ranks
		one := &tracked{tracker: b}
		t.list = append(t.list, one)
		if c.TensorBoard == config.TensorBoardAll {
			b.failed = func(err error) { t.warn(one, err) }
			callbacks = append(callbacks, b.callback())
		}
	}
	if address := os.Getenv(mlflow.EnvironmentURI); address != "" {
		t.list = append(t.list, &tracked{tracker: &mlflowRun{address: address}})
	}
	return t, callbacks
}

// Record implements [report.Recorder] and never fails.
func (t *tracking) Record(e report.Event) error {
	if !t.closed {
		t.closed = t.progress.Record(e) != nil
	}
	for _, one := range t.list {
		if start, ok := e.(report.Start); ok {
			err := one.start(data.UnescapeName(start.Run), start)
			one.started = err == nil
			t.warn(one, err)
			continue
		}
		if one.started {
			t.warn(one, one.Record(e))
		}
	}
	return nil
}

// Close implements [report.Recorder]: it leaves the progress open.
func (t *tracking) Close() error { return nil }

// finish ends the trackers, after the run has ended with err.
func (t *tracking) finish(err error) {
	for _, one := range t.list {
		if one.started {
			one.warned = false // what is missing in the end is said again
			t.warn(one, one.end(err))
			t.warn(one, one.tracker.Close())
		}
	}
}

// warn shows the first error of a tracker.
func (t *tracking) warn(one *tracked, err error) {
	if err == nil || one.warned {
		return
	}
	one.warned = true
	if !t.closed {
		t.closed = t.progress.Record(report.Note{Level: report.Warning, Text: fmt.Sprintf("%s: %v; the run itself is not affected", one.name(), err)}) != nil
	}
}

// fitTracked trains with trackers, and with the report of the run if it is wanted.
func fitTracked(cmd *cobra.Command, c config.Config, progress report.Recorder, trainer train.Trainer) (train.Result, error) {
	ctx := cmd.Context()
	var callbacks []train.Callback
	finish := func() {}
	if c.Report {
		r := newRunReport(ctx, c, progress)
		r.averaged = several(trainer)
		progress, callbacks, finish = r, append(callbacks, r.callback()), r.finish
	}
	t, further := newTracking(ctx, c, progress, several(trainer))
	trainer.Callbacks = append(callbacks, further...)
	ctx, release := groupContext(ctx, trainer)
	defer release()
	result, err := trainer.Fit(ctx, c, t)
	finish() // the report, which trackers may copy
	t.finish(err)
	return result, err
}
