package train

import (
	"context"
	"errors"
	"fmt"
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/data"
)

// Ranks act together: what any of them wants to do next, and what rank 0 alone can decide, by its clock and by requests, is added
// up over ranks with the results of each step, so that all of them checkpoint or stop after the same step. Of one process nothing
// is added up; it looks at its own clock and context where it needs to.

// errStopped ends the steps of all ranks because the context of one of them ended.
var errStopped = errors.New("stopped on a rank")

// wishes are what a rank wants all ranks to do after a step.
type wishes struct {
	stop     bool // its context ended
	end      bool // a callback finished the run
	timeUp   bool // of rank 0, as the following ones
	requests bool
	plan     bool
	save     bool
}

// wishes returns this rank's, after a number of steps.
func (r *run) wishes(ctx context.Context, step int64) wishes {
	w := wishes{stop: ctx.Err() != nil, end: r.wantsEnd}
	if r.ranks.first() {
		w.timeUp, w.requests, w.plan, w.save = r.clock.timeUp(), len(r.requests) > 0, r.planDue(), r.clock.checkpointDue(step)
	}
	return w
}

// numbers are the wishes as numbers that can be added up.
func (w wishes) numbers() []float64 {
	list := make([]float64, 6)
	for i, wish := range []bool{w.stop, w.end, w.timeUp, w.requests, w.plan, w.save} {
		if wish {
			list[i] = 1
		}
	}
	return list
}

func wishesOf(sums []float64) wishes {
	return wishes{sums[0] > 0, sums[1] > 0, sums[2] > 0, sums[3] > 0, sums[4] > 0, sums[5] > 0}
}

// agree asks all ranks for their wishes.
func (r *run) agree(ctx context.Context) error {
	sums := r.wishes(ctx, r.Step).numbers()
	if err := r.ranks.Sum(sums); err != nil {
		return err
	}
	r.setAgreed(wishesOf(sums))
	return nil
}

func (r *run) setAgreed(w wishes) {
	r.agreed = &w
	if w.end && !r.ended {
		r.totalSteps, r.ended = r.Step, true
	}
}

// nextWishes returns what all ranks do next: what was agreed on with the last step, or else is agreed on now.
func (r *run) nextWishes(ctx context.Context) (wishes, error) {
	if r.agreed == nil {
		if err := r.agree(ctx); err != nil {
			return wishes{}, err
		}
	}
	return *r.agreed, nil
}

// agreeOnEnd lets a callback of any rank finish the run of all.
func (r *run) agreeOnEnd(ctx context.Context) error {
	if !r.ranks.several() {
		return nil
	}
	return r.agree(ctx)
}

// agreedStop returns errStopped if the context of any rank has ended, at places where no step was before. One process has its
// context.
func (r *run) agreedStop(ctx context.Context) error {
	if !r.ranks.several() {
		return nil
	}
	if err := r.agree(ctx); err != nil {
		return err
	}
	if r.agreed.stop {
		return errStopped
	}
	return nil
}

// untilAgreed is the context of work that all ranks stop after the same batch; of one process it is ctx.
func (r *run) untilAgreed(ctx context.Context) context.Context {
	if r.ranks.several() {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// interrupted is interruption at places where no step was before.
func (r *run) interrupted(ctx context.Context) error {
	r.agreed = nil
	return r.interruption(ctx)
}

// interruption returns why the run should stop, nil if it should not.
func (r *run) interruption(ctx context.Context) error {
	if err := r.folder.check(); err != nil {
		return err
	}
	if !r.ranks.several() {
		if r.clock.timeUp() {
			return errTimeUp
		}
		return ctx.Err()
	}
	switch next, err := r.nextWishes(ctx); {
	case err != nil:
		return err
	case next.timeUp:
		return errTimeUp
	case next.stop:
		return errStopped
	}
	return nil
}

// found is what the loader reports of the batches of a step beside their images.
type found struct {
	unreadable []data.Problem
	dropped    int // images that a rank cannot train on alone
	batch      int // the last batch with such an image
}

// exchange adds up a step over ranks: its images and losses, and what ranks want to do after it. A GPU may still compute the losses;
// they are added up when they are read.
func (r *run) exchange(ctx context.Context, p *pendingStep, f *found) error {
	if !r.ranks.several() {
		return nil
	}
	var bad error
	if r.Place == autograd.CPU {
		if bad = p.readLosses(); bad != nil && !errors.Is(bad, ErrNotFinite) {
			return bad
		}
	}
	t := &p.seen
	sums := append([]float64{float64(t.Images), float64(t.Correct), t.Loss, float64(t.Skipped), t.Weight, float64(f.dropped)}, r.wishes(ctx, r.Step+1).numbers()...)
	if err := r.ranks.Sum(sums); err != nil {
		return err
	}
	own := t.Loss
	*t = tally{Images: int(sums[0]), Correct: int(sums[1]), Loss: sums[2], Skipped: int(sums[3]), Weight: sums[4]}
	f.dropped = int(sums[5])
	r.setAgreed(wishesOf(sums[6:]))
	if err := r.checkLosses(t.Loss, own); err != nil {
		return err
	}
	if t.Skipped == 0 {
		return nil
	}
	all, err := gathered(r.ranks, f.unreadable)
	f.unreadable = nil
	for _, list := range all {
		f.unreadable = append(f.unreadable, list...)
	}
	return err
}

// sumLosses adds up over ranks the losses of a step that a GPU had still to compute.
func (r *run) sumLosses(t *tally) error {
	if !r.ranks.several() || r.Place == autograd.CPU {
		return nil
	}
	own, sums := t.Loss, []float64{t.Loss, float64(t.Correct)}
	if err := r.ranks.Sum(sums); err != nil {
		return err
	}
	t.Loss, t.Correct = sums[0], int(sums[1])
	return r.checkLosses(t.Loss, own)
}

// checkLosses returns an error that names the ranks whose loss is not finite, if the sum is not.
func (r *run) checkLosses(sum, own float64) error {
	if !notFinite(sum) {
		return nil
	}
	all, err := gathered(r.ranks, fmt.Sprint(own))
	if err != nil {
		return err
	}
	for rank, text := range all {
		if text == "NaN" || text == "+Inf" || text == "-Inf" {
			return fmt.Errorf("the loss of rank %d is %s: %w", rank, text, ErrNotFinite)
		}
	}
	return fmt.Errorf("the loss is %v: %w", sum, ErrNotFinite) // a sum that overflows
}

func notFinite(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
