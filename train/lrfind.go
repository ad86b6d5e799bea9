package train

import (
	"context"
	"errors"
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/report"
	"depthwise.dev/tune"
)

// FindLR is [Trainer.FindLR] of the zero Trainer.
func FindLR(ctx context.Context, c config.Config, o tune.Range, rec report.Recorder) (LRTest, error) {
	return Trainer{}.FindLR(ctx, c, o, rec)
}

// LRTest is the result of a learning-rate range test.
type LRTest struct {
	tune.Curve
	Config      config.Config `json:"-"`           // of the test: with the choices by the data
	Description string        `json:"description"` // of network and machine
}

// FindLR trains the configured network from its first weights with the configured data, augmentation, loss and optimizer
// while the learning rate rises as o says, until the loss diverges. An epoch that ends is followed by the next one. From
// initial weights it does so with three seeds, the configured one and the next two, and returns the mean losses, see [tune.Tests].
// rec receives notes and steps. FindLR writes no files, and keeps none of the weights. Schedule, length and averages of the
// configuration have no effect; of layers that UnfreezeAfter unfreezes, the first phase is tested.
func (t Trainer) FindLR(ctx context.Context, c config.Config, o tune.Range, rec report.Recorder) (LRTest, error) {
	if (ranks{t.Group}).several() {
		return LRTest{}, errors.New("train: a learning-rate range test runs in one process: give it the batch size of all ranks together")
	}
	c.Resume, c.ExtendEpochs, c.Out = "", 0, ""
	r, err := t.prepare(ctx, c)
	if err != nil {
		return LRTest{}, err
	}
	if o, err = o.Around(r.config.LR); err != nil {
		return LRTest{}, fmt.Errorf("train: %w", err)
	}
	test := LRTest{Config: r.config}
	curves := make([]tune.Curve, tune.Tests(r.config.Init != ""))
	for i := range curves {
		curves[i] = tune.Curve{Range: o, Pretrained: r.config.Init != ""}
		one := *r
		one.config.Seed += uint64(i)
		one.testOnly(testRecorder{rec, i, o.Steps})
		test.Config.Threads = one.config.Threads
		if test.Description, err = one.testLR(ctx, &curves[i]); err != nil {
			test.Curve = curves[i]
			return test, one.memoryError(err)
		}
	}
	test.Curve = tune.Mean(curves)
	return test, nil
}

// testLR makes a range test and returns a description of network and machine.
func (r *run) testLR(ctx context.Context, curve *tune.Curve) (description string, err error) {
	if err := r.readClassWeights(); err != nil {
		return "", err
	}
	err = autograd.Run(context.WithoutCancel(ctx), func(s *autograd.Scope) error {
		if err := r.build(s); err != nil {
			return err
		}
		r.schedule = curve.Range
		description = fmt.Sprintf("%v; %v", r.network, r.Machine)
		if err := r.noteStart(); err != nil {
			return err
		}
		r.clock.start(r.config)
		defer r.steps.Reset()
		defer r.discardPending()
		return r.raiseLR(ctx, s, curve)
	})
	return description, err
}

// testRecorder passes the events of the first of several tests on, and of later ones only the steps, numbered in succession:
// the others repeat.
type testRecorder struct {
	report.Recorder
	test, steps int
}

// Record implements [report.Recorder].
func (t testRecorder) Record(e report.Event) error {
	step, ok := e.(report.Step)
	if ok {
		step.Step += int64(t.test * t.steps)
		return t.Recorder.Record(step)
	}
	if t.test > 0 {
		return nil
	}
	return t.Recorder.Record(e)
}

// testOnly makes the run one of single steps that has no folder, no end and no averages.
func (r *run) testOnly(rec report.Recorder) {
	r.folder = &runFolder{unlock: func() {}, threads: chooseThreads(r.config.Threads, nil, r.usual, 1)}
	r.recorder, r.recorded = report.Multi{rec}, map[string]bool{}
	c := &r.config
	c.Threads = r.folder.threads.n
	c.Epochs, c.MaxSteps, c.Time, c.StopAfter = config.MaxCount, 0, 0, 0
	c.EMADecay, c.SWAEpochs, c.Schedule, c.WarmupEpochs = 0, 0, "constant", 0
}

// noteStart records the choices, and what is wrong with the images.
func (r *run) noteStart() error {
	errs := []error{r.noteChoices(), r.noteInit(), r.warnOwn(r.Machine.Notes)}
	for _, note := range r.images.notes[:min(maxNotes, len(r.images.notes))] {
		errs = append(errs, r.note(report.Warning, note))
	}
	return errors.Join(errs...)
}

// raiseLR trains until the range ends or the loss diverges.
func (r *run) raiseLR(ctx context.Context, s *autograd.Scope, curve *tune.Curve) error {
	diverged := false
	r.trainer.Callbacks = []Callback{{AfterStep: func(_ *autograd.Scope, _ *backend.Network, e report.Step) error {
		diverged = curve.Add(e.Loss)
		return nil
	}}}
	for !diverged && r.Step < int64(curve.Steps) {
		before := r.Step
		err := r.testEpoch(ctx, s, int64(curve.Steps), &diverged)
		if errors.Is(err, ErrNotFinite) {
			curve.Diverged = true
			return nil
		}
		if err != nil {
			return err
		}
		if r.Step == before {
			return fmt.Errorf("train: %w: no batch of %d images can be trained on; train data check %s names unreadable images", ErrNothingTrained, r.config.BatchSize, r.config.Data)
		}
		r.Epoch, r.Batch, r.Seen, r.unread = r.Epoch+1, 0, tally{}, nil
	}
	return nil
}

// testEpoch trains an epoch, or less if the test ends.
func (r *run) testEpoch(ctx context.Context, s *autograd.Scope, steps int64, ended *bool) error {
	batches := r.epochBatches(context.WithoutCancel(ctx), r.Epoch, 0)
	defer batches.Close()
	for !*ended && r.Step < steps && r.Batch < r.loader.Batches() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.trainStep(ctx, s, batches); err != nil {
			return err
		}
	}
	return nil
}
