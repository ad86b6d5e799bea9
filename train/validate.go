package train

import (
	"context"
	"errors"
	"fmt"
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/data"
	"depthwise.dev/data/check"
	"depthwise.dev/report"
)

// validate evaluates the network on the validation images, and its weight average where there is
// one, and records whether the result is the best so far.
func (r *run) validate(ctx context.Context, s *autograd.Scope, sum *report.Epoch) error {
	if r.valLoader == nil {
		return nil
	}
	e := r.evaluation(ctx)
	var seen outcomes
	e.Each = r.collect(&seen, len(e.Networks))
	scores, err := r.score(ctx, s, e)
	if err != nil {
		return err
	}
	sum.ValImages = scores[0].Images
	sum.ValTop1, sum.ValTop5, sum.ValLoss = scores[0].Rates()
	r.recordMAP(sum, scores)
	if r.average != nil {
		sum.Averaged = true
		sum.EMAValTop1, sum.EMAValTop5, sum.EMAValLoss = scores[1].Rates()
	}
	now := r.betterOf(scores)
	if r.swa != nil && r.swa.ready {
		average := r.bestOf(scores[len(scores)-1])
		average.SWA = true
		sum.SWAEpochs = int(r.SWA.Averaged)
		sum.SWAValTop1, sum.SWAValTop5, sum.SWAValLoss, sum.SWAValMAP = average.Top1, average.Top5, average.Loss, average.MAP
		if r.notWorse(average, now) {
			now = average
		}
	}
	if !math.IsNaN(now.Loss) && (r.Best.Step == 0 || now.figure(r.multiLabel()) > r.Best.figure(r.multiLabel())) {
		sum.Best = true
		r.Best = now
	}
	return r.afterValidation(*sum, seen, scores, r.networkOf(now))
}

// evaluation evaluates the network, its moving average and the complete average of the last epochs, in this order.
func (r *run) evaluation(ctx context.Context) classify.Evaluation {
	e := classify.Evaluation{Machine: r.Machine, Networks: []*backend.Network{r.network}, Preprocess: r.net.preprocess}
	e.Merge = r.merge()
	e.AfterBatch = func(batch, of int) error {
		if err := errors.Join(r.folder.check(), r.agreedStop(ctx)); err != nil {
			return err
		}
		return r.recorder.Record(report.Validation{Epoch: r.Epoch + 1, Batch: batch, Batches: of})
	}
	if r.average != nil {
		e.Networks = append(e.Networks, r.averaged)
	}
	if r.swa != nil && r.swa.ready {
		e.Networks = append(e.Networks, r.swa.network)
	}
	return e
}

// score runs an evaluation, on cached features where there are some, and records images that cannot be read.
func (r *run) score(ctx context.Context, s *autograd.Scope, e classify.Evaluation) (scores []classify.Score, err error) {
	if r.features != nil && r.features.val != nil {
		scores, err = r.scoreFeatures(ctx, s, e)
	} else {
		scores, err = e.Run(r.untilAgreed(ctx), s, r.valLoader)
	}
	if err != nil {
		if ctx.Err() != nil && !r.ranks.several() {
			return nil, ctx.Err()
		}
		if errors.Is(err, ErrFolderLost) || errors.Is(err, errStopped) {
			return nil, err
		}
		return nil, fmt.Errorf("train: epoch %d: validation: %w", r.Epoch+1, err)
	}
	tooMany := check.Unreadable(scores[0].Skipped, r.images.val.Len(), check.DefaultUnreadableLimit)
	return scores, errors.Join(r.recordSkipped(scores[0].Skipped), tooMany)
}

func (r *run) recordSkipped(problems []data.Problem) error {
	var errs []error
	for _, p := range problems {
		if !r.recorded[p.Path] {
			r.recorded[p.Path] = true
			errs = append(errs, r.recorder.Record(report.Skip{Step: r.Step, Path: data.EscapeName(p.Path), Reason: p.Reason}))
		}
	}
	return errors.Join(errs...)
}
