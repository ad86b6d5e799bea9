package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/data"
	"depthwise.dev/data/check"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/report"
)

// errTimeUp ends a run whose time is up; it becomes a checkpoint and no failure.
var errTimeUp = errors.New("the time is up")

// train goes on from where the run is to its end.
func (r *run) train(ctx context.Context, s *autograd.Scope) error {
	r.clock.start(r.config)
	var err error
	for err == nil && !r.Done {
		err = r.epoch(ctx, s)
	}
	switch {
	case err == nil:
		return r.tellDone(report.Finished)
	case errors.Is(err, errTimeUp):
		return errors.Join(r.save(s, false), r.tellDone(report.Interrupted))
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		if err := errors.Join(r.save(s, false), r.tellDone(report.Interrupted)); err != nil {
			return err
		}
		return fmt.Errorf("train: step %d: %w; %s goes on from here with --resume auto", r.Step, ErrInterrupted, r.folder.dir)
	}
	return err
}

// epoch trains the rest of the current epoch, validates and saves.
func (r *run) epoch(ctx context.Context, s *autograd.Scope) error {
	r.clock.epoch()
	r.unread = nil
	batches := r.loader.Epoch(context.WithoutCancel(ctx), r.Epoch, r.Batch) // a step begun is finished
	defer batches.Close()
	for r.Batch < r.loader.Batches() && r.Step < r.totalSteps {
		if err := r.mayGoOn(ctx); err != nil {
			return err
		}
		if err := r.trainStep(s, batches); err != nil {
			return err
		}
		if r.clock.checkpointDue(r.Step) && r.Batch < r.loader.Batches() && r.Step < r.totalSteps {
			if err := r.save(s, false); err != nil {
				return err
			}
		}
	}
	r.clock.effort = batches.Stats()
	return r.endEpoch(ctx, s)
}

func (r *run) mayGoOn(ctx context.Context) error {
	if r.clock.timeUp() {
		return errTimeUp
	}
	return ctx.Err()
}

// endEpoch validates, tells, and moves on to the next epoch.
func (r *run) endEpoch(ctx context.Context, s *autograd.Scope) error {
	trained := r.clock.sinceEpoch()
	p := r.pace(trained)
	sum := report.Epoch{Epoch: r.Epoch + 1, Epochs: r.config.Epochs, Step: r.Step, LR: r.schedule.LR(max(r.Step-1, 0)),
		ImagesPerSecond: float64(r.clock.images) / trained.Seconds(), DataWaitShare: r.clock.effort.Waited.Seconds() / trained.Seconds(), Skipped: r.Seen.Skipped}
	sum.TrainLoss, sum.TrainTop1 = r.Seen.rates()
	if err := r.validate(ctx, s, &sum); err != nil {
		return err
	}
	sum.Seconds = r.clock.sinceEpoch().Seconds()
	if err := errors.Join(r.recorder.Record(sum), r.tellVerdict(p)); err != nil {
		return err
	}
	r.Epoch, r.Batch, r.Seen = r.Epoch+1, 0, tally{}
	r.Done = r.Step >= r.totalSteps
	return r.save(s, sum.Best)
}

// pace is how the images of the epoch that was trained in so long came.
func (r *run) pace(trained time.Duration) pace {
	options := r.config.LoaderOptions(true)
	set := r.images.train
	return pace{effort: r.clock.effort, seconds: trained.Seconds(), workers: options.Workers, cores: PhysicalCores(), resolution: r.config.Model.Resolution,
		shards: set.Sharded(), distant: set.Remote(), streamed: set.Remote() || options.ShuffleBuffer > 0}
}

// tellVerdict says what sets the pace: after each epoch that waited for the loader, and once where the step does.
func (r *run) tellVerdict(p pace) error {
	binds := p.binds()
	if binds == "" || binds == stepBinds && r.bound == stepBinds {
		return nil
	}
	r.bound = binds
	return r.note(report.Info, fmt.Sprintf("epoch %d: %s", r.Epoch+1, p.verdict()))
}

// validate measures the network on the validation images, and its weight average where there is one, and notes whether that
// is the best so far.
func (r *run) validate(ctx context.Context, s *autograd.Scope, sum *report.Epoch) error {
	if r.valLoader == nil {
		return nil
	}
	e := evaluation{machine: r.machine, networks: []*mobilenet.Network{r.network}, preprocess: r.config.Preprocess()}
	e.tell = func(batch, of int) error {
		return r.recorder.Record(report.Validation{Epoch: r.Epoch + 1, Batch: batch, Batches: of})
	}
	if r.average != nil {
		e.networks = append(e.networks, r.averaged)
	}
	scores, err := e.run(ctx, s, r.valLoader)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("train: epoch %d: validation: %w", r.Epoch+1, err)
	}
	tooMany := check.Unreadable(scores[0].skipped, r.images.val.Len(), check.DefaultUnreadableLimit)
	if err := errors.Join(r.tellSkipped(scores[0].skipped), tooMany); err != nil {
		return err
	}
	sum.ValImages = scores[0].images
	sum.ValTop1, sum.ValTop5, sum.ValLoss = scores[0].rates()
	if r.average != nil {
		sum.Averaged = true
		sum.EMAValTop1, sum.EMAValTop5, sum.EMAValLoss = scores[1].rates()
	}
	top1, top5, loss := scores[len(scores)-1].rates()
	if !math.IsNaN(loss) && (r.Best.Step == 0 || top1 > r.Best.Top1) {
		sum.Best = true
		r.Best = best{Step: r.Step, Epoch: r.Epoch + 1, Top1: top1, Top5: top5, Loss: loss}
	}
	return nil
}

func (r *run) tellSkipped(problems []data.Problem) error {
	var errs []error
	for _, p := range problems {
		if !r.named[p.Path] {
			r.named[p.Path] = true
			errs = append(errs, r.recorder.Record(report.Skip{Step: r.Step, Path: p.Path, Reason: p.Reason}))
		}
	}
	return errors.Join(errs...)
}

func (r *run) tellDone(status string) error {
	return r.recorder.Record(report.Done{Step: r.Step, Epochs: r.Epoch, BestTop1: r.Best.Top1, Seconds: time.Since(r.started).Seconds(), Status: status})
}
