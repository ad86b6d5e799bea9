package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/internal/host"
	"depthwise.dev/internal/redact"
	"depthwise.dev/report"
	"depthwise.dev/train/control"
)

// errTimeUp ends a run at its time limit, with a checkpoint and without an error.
var errTimeUp = errors.New("time limit reached")

// train continues the run to its end. A write that fails because the run's folder was removed is
// reported as that.
func (r *run) train(ctx context.Context, s *autograd.Scope) error {
	ctx, release := r.trainer.Control.Attach(ctx)
	defer release()
	err := r.trainToEnd(ctx, s)
	if err == nil {
		return nil
	}
	if lost := r.folder.check(); lost != nil {
		return lost
	}
	if errors.Is(err, ErrInterrupted) {
		return err
	}
	// For train runs; the caller shows the error.
	return errors.Join(err, r.files.Record(r.done(report.Failed, redact.Text(err.Error()))))
}

func (r *run) trainToEnd(ctx context.Context, s *autograd.Scope) error {
	defer r.steps.Reset()
	defer r.discardPending()
	r.clock.start(r.config)
	var err error
	for err == nil && !r.Done {
		err = r.epoch(ctx, s)
	}
	stopped := errors.Is(err, errStopped) || ctx.Err() != nil && errors.Is(err, ctx.Err())
	switch {
	case err == nil:
		return r.finish(s)
	case errors.Is(err, errTimeUp):
		return errors.Join(r.save(s, false), r.recordDone(report.Interrupted))
	case stopped:
		if err := r.recordAll(s); err != nil { // steps before the stop
			return err
		}
		if err := errors.Join(r.recordStop(), r.save(s, false), r.recordDone(report.Interrupted)); err != nil {
			return err
		}
		return fmt.Errorf("train: step %d: %w; --resume auto continues %s from here", r.Step, ErrInterrupted, r.folder.dir)
	}
	return r.afterFailure(s, err)
}

// finish checks that everything is in its place, and records the end.
func (r *run) finish(s *autograd.Scope) error {
	if err := errors.Join(r.folder.check(), r.repairBest(s)); err != nil {
		return err
	}
	return errors.Join(r.noteBest(), r.noteSWA(), r.recordDone(report.Finished))
}

// epoch trains the rest of the current epoch, validates and saves.
func (r *run) epoch(ctx context.Context, s *autograd.Scope) error {
	if err := r.cacheFeatures(ctx, s); err != nil {
		return err
	}
	r.clock.epoch()
	r.unread, r.agreed = nil, nil
	batches := r.epochBatches(context.WithoutCancel(ctx), r.Epoch, r.Batch) // a step that has begun is finished
	defer batches.Close()
	for r.Batch < r.loader.Batches() && r.Step < r.totalSteps {
		if err := r.handleRequests(ctx, s, control.Training); err != nil {
			return err
		}
		if err := r.interruption(ctx); err != nil {
			return err
		}
		before := r.Step
		if err := r.trainStep(ctx, s, batches); err != nil {
			return err
		}
		if r.Step > before {
			if err := r.planWithin(s); err != nil {
				return err
			}
		}
		if r.Step > before && r.checkpointDue() && r.Batch < r.loader.Batches() && r.Step < r.totalSteps {
			if err := r.save(s, false); err != nil {
				return err
			}
		}
	}
	if err := r.recordAll(s); err != nil {
		return err
	}
	if err := r.handleRequests(ctx, s, control.Validating); err != nil {
		return err
	}
	r.clock.loaderStats, r.pace.ended = batches.Stats(), r.clock.time()
	return r.endEpoch(ctx, s)
}

// checkpointDue reports whether a checkpoint should be written after a step.
func (r *run) checkpointDue() bool {
	if r.ranks.several() {
		return r.agreed.save
	}
	return r.clock.checkpointDue(r.Step)
}

// endEpoch validates, records the epoch, and starts the next one.
func (r *run) endEpoch(ctx context.Context, s *autograd.Scope) error {
	if r.Seen.Images == 0 {
		return fmt.Errorf("train: epoch %d: %w: of %d images %d could not be read, and the others were in batches of one image, with which batch norm cannot train; train data check %s names unreadable images",
			r.Epoch+1, ErrNothingTrained, r.images.train.Len(), r.Seen.Skipped, r.config.Data)
	}
	trained := r.clock.sinceEpoch()
	input := r.inputStats(trained)
	sum := report.Epoch{Epoch: r.Epoch + 1, Epochs: r.epochs(), Step: r.Step, LR: r.lr(max(r.Step-1, 0)),
		ImagesPerSecond: float64(r.clock.images) / trained.Seconds(), DataWaitShare: r.clock.loaderStats.Waited.Seconds() / trained.Seconds(), Skipped: r.Seen.Skipped}
	sum.TrainLoss, sum.TrainTop1 = r.Seen.rates()
	if scaler := r.keepLossScale(s); scaler != nil {
		sum.LossScale, sum.SkippedUpdates = scaler.Scale, r.Seen.SkippedUpdates
	}
	if err := r.averageEpoch(ctx, s); err != nil {
		return err
	}
	if err := r.validate(ctx, s, &sum); err != nil {
		return err
	}
	sum.Seconds = r.clock.sinceEpoch().Seconds()
	if err := errors.Join(r.recorder.Record(sum), r.recordBottleneck(input)); err != nil {
		return err
	}
	if err := errors.Join(r.afterEpoch(s, sum), r.agreeOnEnd(ctx)); err != nil {
		return err
	}
	r.Epoch, r.Batch, r.Seen = r.Epoch+1, 0, tally{}
	if err := errors.Join(r.observe(sum), r.planAtEnd()); err != nil {
		return err
	}
	r.Done = r.Stopped != "" || r.Step >= r.totalSteps || r.config.Epochs > 0 && r.Epoch >= r.config.Epochs
	if err := errors.Join(r.warnDivergence(sum), r.unfreeze(s)); err != nil {
		return err
	}
	return r.save(s, sum.Best)
}

// inputStats returns how the images of the epoch were loaded, which trained for this time.
func (r *run) inputStats(trained time.Duration) inputStats {
	options := r.loaderOptions(true)
	set := r.images.train
	cores := host.ThisProcess().Parallel()
	if r.Place != autograd.CPU {
		cores = host.Processors()
	}
	return inputStats{stats: r.clock.loaderStats, seconds: trained.Seconds(), workers: options.Workers, ranks: r.ranks.size(), cores: cores, defaultWorkers: backend.Workers(r.Device),
		fast: options.Decode == data.DecodeFast, resolution: r.net.graph.Input.Height,
		shards: set.Sharded(), remote: set.Remote(), streamed: set.Remote() || options.ShuffleBuffer > 0}
}

// recordBottleneck records the bottleneck: the loader after each epoch that waited for it, the
// training step once.
func (r *run) recordBottleneck(input inputStats) error {
	b := input.bottleneck()
	if b == "" || b == stepBound && r.bottleneck == stepBound {
		return nil
	}
	r.bottleneck = b
	return r.noteOwn(report.Info, fmt.Sprintf("epoch %d: %s", r.Epoch+1, input.describe()))
}

func (r *run) recordDone(status string) error {
	return r.recorder.Record(r.done(status, ""))
}

func (r *run) done(status, failure string) report.Done {
	return report.Done{Step: r.Step, Epochs: r.Epoch, BestTop1: r.Best.Top1, BestMAP: r.Best.MAP, Seconds: r.clock.since(r.started).Seconds(), Status: status, Error: failure, Reason: r.Stopped}
}
