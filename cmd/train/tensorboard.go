package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/config"
	"depthwise.dev/report"
	"depthwise.dev/report/page"
	"depthwise.dev/report/tensorboard"
	"depthwise.dev/train"
)

// board writes the event files of TensorBoard: scalars, and with --tensorboard all what a callback takes from training.
type board struct {
	*tensorboard.Recorder // nil before start
	ctx                   context.Context
	config                config.Config
	failed                func(error) // shows an error of the callback

	dir     string
	step    int64 // that the run starts or continues from
	at      int64 // the last step
	steps   int64 // of the whole run; with a time limit as planned, 0 before that
	started time.Time
	spent   time.Duration // by the callback
	now     func() time.Time

	batch    *batchPicture // to be written
	curves   map[int][]tensorboard.Curve
	images   int  // of the last step
	averaged bool // gradients of accumulated batches are means, as of several ranks, and not sums
}

func newBoard(ctx context.Context, c config.Config) *board {
	return &board{ctx: ctx, config: c, now: time.Now}
}

func (b *board) name() string { return "TensorBoard" }

// all reports whether more than scalars is written.
func (b *board) all() bool { return b.config.TensorBoard == config.TensorBoardAll }

// start implements [tracker].
func (b *board) start(dir string, e report.Start) (err error) {
	b.dir, b.step, b.at, b.steps, b.started = dir, e.Step, e.Step, e.Steps, b.now()
	if b.Recorder, err = tensorboard.Open(dir, page.Mode(dir), e.Step); err != nil {
		return fmt.Errorf("%w; --tensorboard off writes none", err)
	}
	if !b.all() {
		return nil
	}
	settings, err := readSettings(filepath.Join(dir, configName))
	if err != nil {
		return err
	}
	metrics := []string{"val/top1", "val/loss", "epoch/train_loss"}
	if e.MultiLabel {
		metrics = append([]string{"val/map"}, metrics...)
	}
	return b.Write(e.Step, tensorboard.HParams(settings, metrics, b.now())...)
}

// readSettings reads the settings of a config.yaml, in the order of their names.
func readSettings(path string) ([]tensorboard.HParam, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var list []tensorboard.HParam
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if value := all[name]; value != nil {
			list = append(list, tensorboard.HParam{Name: name, Value: value})
		}
	}
	return list, nil
}

// Record implements [report.Recorder].
func (b *board) Record(e report.Event) error {
	switch e := e.(type) {
	case report.Step:
		b.at, b.images = e.Step, e.Images
	case report.Budget:
		b.steps = e.Steps
	}
	return b.Recorder.Record(e)
}

// end implements [tracker].
func (b *board) end(err error) error {
	if !b.all() || errors.Is(err, train.ErrInterrupted) {
		return nil
	}
	status := tensorboard.Success
	if err != nil {
		status = tensorboard.Failure
	}
	return b.Write(b.at, tensorboard.HParamsEnd(status, b.now()))
}

// Close implements [report.Recorder].
func (b *board) Close() error { return b.Recorder.Close() }
