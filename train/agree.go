package train

import (
	"context"
	"errors"
	"fmt"
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/data"
)

// Ranks decide together what follows a step: the votes of all, of which some are rank 0's alone, by its clock and by requests, are
// added up with the results of the step, so that all of them checkpoint or stop after the same one. One process adds nothing up;
// it looks at its own clock and context where it needs to.

// errStopped ends the steps of all ranks because the context of one of them ended.
var errStopped = errors.New("stopped on a rank")

// votes are what a rank votes for that all ranks do after a step. One vote suffices.
type votes struct {
	stop     bool // its context ended
	end      bool // a callback finished the run
	timeUp   bool // of rank 0, as the following ones
	requests bool
	plan     bool
	save     bool
}

// votes returns this rank's, after a number of steps.
func (r *run) votes(ctx context.Context, step int64) votes {
	v := votes{stop: ctx.Err() != nil, end: r.wantsEnd}
	if r.ranks.first() {
		v.timeUp, v.requests, v.plan, v.save = r.clock.timeUp(), len(r.requests) > 0, r.planDue(), r.clock.checkpointDue(step)
	}
	return v
}

// numbers are the votes as 0 or 1.
func (v votes) numbers() []float64 {
	list := make([]float64, 6)
	for i, vote := range []bool{v.stop, v.end, v.timeUp, v.requests, v.plan, v.save} {
		if vote {
			list[i] = 1
		}
	}
	return list
}

func votesOf(sums []float64) votes {
	return votes{sums[0] > 0, sums[1] > 0, sums[2] > 0, sums[3] > 0, sums[4] > 0, sums[5] > 0}
}

// agree asks all ranks for their votes.
func (r *run) agree(ctx context.Context) error {
	sums := r.votes(ctx, r.Step).numbers()
	if err := r.ranks.Sum(sums); err != nil {
		return err
	}
	r.setAgreed(votesOf(sums))
	return nil
}

func (r *run) setAgreed(v votes) {
	r.agreed = &v
	if v.end && !r.ended {
		r.totalSteps, r.ended = r.Step, true
	}
}

// nextVotes returns what all ranks do next: what was agreed on with the last step, or else is agreed on now.
func (r *run) nextVotes(ctx context.Context) (votes, error) {
	if r.agreed == nil {
		if err := r.agree(ctx); err != nil {
			return votes{}, err
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
	switch next, err := r.nextVotes(ctx); {
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
	sums := append([]float64{float64(t.Images), float64(t.Correct), t.Loss, float64(t.Skipped), t.Weight, float64(f.dropped)}, r.votes(ctx, r.Step+1).numbers()...)
	if err := r.ranks.Sum(sums); err != nil {
		return err
	}
	own := t.Loss
	*t = tally{Images: int(sums[0]), Correct: int(sums[1]), Loss: sums[2], Skipped: int(sums[3]), Weight: sums[4]}
	f.dropped = int(sums[5])
	r.setAgreed(votesOf(sums[6:]))
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
