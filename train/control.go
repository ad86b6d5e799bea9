package train

import (
	"context"
	"fmt"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/report"
	"depthwise.dev/train/control"
)

// lrChange is a change of the learning rate on request. Checkpoints hold all of them, and one is written before the first step
// that a change affects, so that a resumed run computes the same steps.
type lrChange struct {
	Step   int64   `json:"step"`   // completed steps at the change
	Factor float64 `json:"factor"` // of this and all earlier changes; multiplies what the schedule gives
}

// lr returns the learning rate of a step, counted from 0: that of the schedule times the factor of the changes.
func (r *run) lr(step int64) float64 { return r.schedule.LR(step) * r.lrFactor(step) }

// lrFactor returns the factor of the learning rate of a step, counted from 0; 1 without changes.
func (r *run) lrFactor(step int64) float64 {
	for i := len(r.LRChanges) - 1; i >= 0; i-- {
		if r.LRChanges[i].Step <= step {
			return r.LRChanges[i].Factor
		}
	}
	return 1
}

// handleRequests carries out what was requested, between two steps or before a validation.
func (r *run) handleRequests(ctx context.Context, s *autograd.Scope, follows control.Phase) error {
	if r.trainer.Control == nil && !r.ranks.several() {
		return nil
	}
	for {
		requests, err := r.take(ctx, follows)
		if err != nil || len(requests) == 0 {
			return err
		}
		paused, err := r.carryOut(s, requests, false)
		if err == nil && paused {
			err = r.waitPaused(ctx, s)
		}
		if err != nil {
			return err
		}
	}
}

// take returns what was requested. With several ranks it is what rank 0 had taken when all agreed on the votes that are carried
// out now; later requests are for the next time.
func (r *run) take(ctx context.Context, follows control.Phase) ([]control.Request, error) {
	taken := r.trainer.Control.Take(r.position(follows))
	if !r.ranks.several() {
		return taken, nil
	}
	r.requests = append(r.requests, taken...)
	next, err := r.nextVotes(ctx)
	if err != nil || !next.requests {
		return nil, err
	}
	list := r.requests
	r.requests, r.agreed.requests = nil, false
	return list, r.ranks.share(&list)
}

// position says where the run is, and what follows if nothing is requested.
func (r *run) position(follows control.Phase) control.Position {
	return control.Position{Phase: follows, Step: r.Step, Steps: r.totalSteps, LR: r.schedule.LR(r.Step), NextLR: r.schedule.LR(r.Step + 1), Factor: r.lrFactor(r.Step),
		Changes: len(r.LRChanges)}
}

// carryOut carries out requests, and reports whether the run is paused afterwards; paused is whether it was before. One
// checkpoint is written for all of them.
func (r *run) carryOut(s *autograd.Scope, requests []control.Request, paused bool) (bool, error) {
	if err := r.recordAll(s); err != nil {
		return false, err
	}
	save := false
	for _, q := range requests {
		switch q.Action {
		case control.LR:
			if err := r.changeLR(q); err != nil {
				return false, err
			}
			save = true
		case control.Checkpoint:
			save = true
		case control.Pause:
			save, paused = true, true
		case control.Continue:
			paused = false
		}
	}
	if !save {
		return paused, nil
	}
	return paused, r.save(s, false)
}

// changeLR changes the learning rate from the next step on. If the schedule has changed since the request so that it is no
// longer possible, the run warns.
func (r *run) changeLR(q control.Request) error {
	before := r.lrFactor(r.Step)
	factor, err := q.Apply(before, r.schedule.LR(r.Step))
	if err != nil {
		return r.note(report.Warning, fmt.Sprintf("step %d: the learning rate stays as it is: %v", r.Step, err))
	}
	r.LRChanges = append(r.LRChanges, lrChange{r.Step, factor})
	return r.recorder.Record(r.lrEvent(before, factor))
}

func (r *run) lrEvent(before, factor float64) report.Control {
	scheduled := r.schedule.LR(r.Step)
	return report.Control{Step: r.Step, Action: control.LR, LRFactor: factor, LR: scheduled * factor, LRBefore: scheduled * before}
}

// folderCheck is how often a paused run checks that its folder still exists.
const folderCheck = 2 * time.Second

// waitPaused waits until the run is to continue or to end, and carries out requests meanwhile. The times of the run do not
// include the pause.
func (r *run) waitPaused(ctx context.Context, s *autograd.Scope) error {
	last, pause := r.clock.time(), time.Duration(0)
	exclude := func() { // the pause so far; also before a checkpoint, which records the time used
		passed := r.clock.since(last)
		r.clock.shift(passed)
		last, pause = last.Add(passed), pause+passed
	}
	defer exclude()
	if err := r.recorder.Record(report.Control{Step: r.Step, Action: control.Pause}); err != nil {
		return err
	}
	for paused := true; paused; {
		r.agreed = nil
		requests, err := r.take(ctx, control.Paused)
		if err != nil {
			return err
		}
		if len(requests) == 0 {
			if err := r.pauseInterrupted(ctx); err != nil {
				return err
			}
			r.trainer.Control.Wait(ctx, folderCheck) // the other ranks wait for rank 0
			continue
		}
		exclude()
		if paused, err = r.carryOut(s, requests, true); err != nil {
			return err
		}
	}
	exclude()
	r.agreed = nil // asked before the pause was excluded from the times
	return r.recorder.Record(report.Control{Step: r.Step, Action: control.Continue, Seconds: pause.Seconds()})
}

// pauseInterrupted returns why a paused run should end. Time limits do not apply to a pause.
func (r *run) pauseInterrupted(ctx context.Context) error {
	if err := r.folder.check(); err != nil {
		return err
	}
	if !r.ranks.several() {
		return ctx.Err()
	}
	if r.agreed.stop {
		return errStopped
	}
	return nil
}

// recordStop records that the run ends on request.
func (r *run) recordStop() error {
	if !r.trainer.Control.Stopped() {
		return nil
	}
	return r.recorder.Record(report.Control{Step: r.Step, Action: control.Stop})
}

// recordChanges records, after the start of a resumed run, the changes of the learning rate that it continues with: those at
// its step as events, because opening events.jsonl removed them: the run may have been killed between an event and its
// checkpoint.
func (r *run) recordChanges() error {
	before := 1.0
	for _, c := range r.LRChanges {
		if c.Step == r.Step {
			if err := r.recorder.Record(r.lrEvent(before, c.Factor)); err != nil {
				return err
			}
		}
		before = c.Factor
	}
	if n := len(r.LRChanges); n > 0 && r.LRChanges[n-1].Step < r.Step {
		return r.note(report.Info, fmt.Sprintf("the learning rate is that of the schedule times %.4g, as it was changed on request after step %d", before, r.LRChanges[n-1].Step))
	}
	return nil
}
