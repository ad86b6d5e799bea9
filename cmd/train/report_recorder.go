package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/diagnose"
	"depthwise.dev/report"
	"depthwise.dev/report/history"
	"depthwise.dev/report/page"
	"depthwise.dev/train"
)

// reportShare is the fraction of a run's time that its report may take before the end. The last page is written in any case.
const reportShare = 0.005

// runReport writes the report of a run while it trains. It passes events on to the recorder of the progress. Nothing that fails in it
// ends the run: it is a warning, once.
type runReport struct {
	report.Recorder // of the progress
	config          config.Config
	ctx             context.Context

	dir      string // "": the run has not started
	reader   *history.Reader
	extra    page.Extra
	batch    *batchPicture
	examples *validated           // of the best epoch, whose pictures are not made yet
	before   map[string][]float32 // weights before the last step of the epoch
	images   int                  // of the last step
	averaged bool                 // gradients of accumulated batches are means, as of several ranks, and not sums

	started time.Time
	spent   time.Duration
	warned  bool
	now     func() time.Time
}

func newRunReport(ctx context.Context, c config.Config, progress report.Recorder) *runReport {
	return &runReport{Recorder: progress, config: c, ctx: ctx, now: time.Now}
}

// callback takes from training what events do not have.
func (r *runReport) callback() train.Callback {
	return train.Callback{
		BeforeStep: r.beforeStep,
		AfterEpoch: func(s *autograd.Scope, n *backend.Network, e report.Epoch) error {
			r.timed(func() error { return r.afterEpoch(s, n, e) })
			return nil
		},
		BeforeBatch: func(b *data.Batch, classes []string) error {
			r.extra.Classes = classes
			if r.batch == nil && r.extra.Batch == nil {
				r.timed(func() error { r.batch = copyBatch(b, classes); return nil })
			}
			return nil
		},
		AfterValidation: func(e report.Epoch, v train.Validation) error {
			if e.Best {
				r.timed(func() error { return r.afterBest(v) })
			}
			return nil
		},
	}
}

// Record implements [report.Recorder].
func (r *runReport) Record(e report.Event) error {
	err := r.Recorder.Record(e)
	switch e := e.(type) {
	case report.Start:
		r.start(e)
	case report.Step:
		r.images = e.Images
	case report.Checkpoint:
		if r.dir != "" && r.affordable() {
			r.timed(func() error { return r.write(false) })
		}
	}
	return err
}

// start begins the report of a run, or continues that of a resumed one.
func (r *runReport) start(e report.Start) {
	r.dir, r.started = data.UnescapeName(e.Run), r.now()
	r.reader = history.NewReader(filepath.Join(r.dir, "events.jsonl"))
	if e.Step == 0 {
		return
	}
	r.timed(func() (err error) {
		r.extra, err = page.ReadExtra(r.dir)
		return err
	})
}

// finish writes the last page, after the run has ended.
func (r *runReport) finish() {
	if r.dir == "" || !isFile(filepath.Join(r.dir, configName)) {
		return // did not start, or its folder is gone
	}
	r.timed(func() error { return r.write(true) })
}

// affordable reports whether the report has taken less than its part of the time.
func (r *runReport) affordable() bool {
	return r.spent.Seconds() < reportShare*r.now().Sub(r.started).Seconds()
}

// timed counts the time of a part of the report, and warns once if it fails.
func (r *runReport) timed(part func() error) {
	began := r.now()
	err := part()
	r.spent += r.now().Sub(began)
	if err == nil || r.warned {
		return
	}
	r.warned = true
	text := fmt.Sprintf("the report of the run could not be written, which does not affect the run: %v; train report %s writes it again", err, shellWord(r.dir))
	_ = r.Recorder.Record(report.Note{Level: report.Warning, Text: text}) // a closed terminal has been noticed by the run
}

// write writes the page, at the end with charts beside it.
func (r *runReport) write(last bool) error {
	h, err := r.reader.Update()
	if err != nil {
		return err
	}
	if r.batch != nil {
		if r.extra.Batch, err = r.batch.picture(); err != nil {
			return err
		}
		r.batch = nil
	}
	var errs []error
	if r.examples != nil && (last || r.affordable()) {
		if p := r.examples.multiLabel; p != nil { // with a number for each image and class, so not in each epoch
			errs = append(errs, r.writePredictions(p.Write))
		}
		r.extra.Worst, r.extra.Unsure = r.examples.pictures(r.ctx)
		r.examples = nil
	}
	mode := page.Mode(r.dir)
	errs = append(errs, page.WriteExtra(r.dir, mode, r.extra))
	d := page.Gather(r.dir, h)
	if last && h.Done == nil {
		d.State = "killed" // by an error that could not be recorded
	}
	d.Commands = commandsOf(d, r.config)
	errs = append(errs, page.WriteFile(filepath.Join(r.dir, page.File), mode, d))
	if last {
		errs = append(errs, page.WriteCharts(mode, d))
	}
	return errors.Join(errs...)
}

// beforeStep copies the weights before the last step of an epoch.
func (r *runReport) beforeStep(s *autograd.Scope, n *backend.Network, e report.Step) error {
	if next := e.Batch + r.config.Accumulate; next >= e.Batches && (e.Epoch == r.config.Epochs || r.affordable()) {
		r.timed(func() error {
			r.before = diagnose.Snapshot(s, n)
			return nil
		})
	}
	return nil
}

// afterEpoch measures the layers.
func (r *runReport) afterEpoch(s *autograd.Scope, n *backend.Network, e report.Epoch) error {
	if r.extra.Network == nil {
		summary := n.Graph.Summary()
		r.extra.Network = &summary
	}
	if !r.affordable() && e.Epoch < e.Epochs {
		return nil
	}
	scale := 1.0
	if r.config.Accumulate > 1 && !r.averaged {
		scale = 1 / float64(max(r.images, 1)) // of accumulated gradients, which are sums over images
	}
	layers, err := diagnose.Health(s, n, r.before, scale)
	r.before = nil
	if err != nil {
		return err
	}
	r.extra.Layers = &page.Layers{Epoch: e.Epoch}
	for _, l := range layers {
		r.extra.Layers.List = append(r.extra.Layers.List, page.Layer(l))
	}
	return nil
}
