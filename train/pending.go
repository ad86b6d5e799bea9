package train

import (
	"errors"
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/report"
)

// maxPending is the number of steps whose results the host does not wait for. The GPU needs the work of a few steps ahead;
// and a loss that is not finite is noticed at most so many steps late.
const maxPending = 8

// readback is numbers that a device may still compute: an [autograd.Readback], or one of a test.
type readback interface {
	Ready() bool
	Values() ([]float64, error)
	Discard()
}

// pendingStep is a step whose results have not been read.
type pendingStep struct {
	event report.Step // what is known of it
	seen  tally       // of its batches, without losses and correct rows
	loss  []pendingLoss
	norm  readback // of the gradients; with a scaler also what newStepResult takes
	// scaled: the loss was scaled.
	scaled bool
}

// pendingLoss is the loss and the number of correct rows of a batch.
type pendingLoss struct {
	scored readback
	weight float64 // see backend.Scored
}

// pending are the steps whose results are not read yet, in order. On the CPU they are read after each step.
type pending struct {
	steps []pendingStep
	loss  []pendingLoss // of the step that is not complete yet
}

// late returns the readback, or what a test replaces it with.
func (r *run) late(b *autograd.Readback) readback {
	if r.trainer.late != nil {
		return r.trainer.late(b)
	}
	return b
}

// ready reports whether the results of a step can be read without waiting.
func (p pendingStep) ready() bool {
	for _, l := range p.loss {
		if !l.scored.Ready() {
			return false
		}
	}
	return p.norm.Ready()
}

// recordReady records the steps whose results have arrived and, if more than maxPending are left, waits for the oldest. Where a
// callback is called after each step, it waits for all.
func (r *run) recordReady(s *autograd.Scope) error {
	most := maxPending
	if r.eachStep || r.trainer.stepCallbacks() {
		most = 0
	}
	if r.ranks.several() && r.Place != autograd.CPU { // which of them are ready differs between ranks
		return r.recordWhile(s, func(waiting []pendingStep) bool { return len(waiting) > most })
	}
	return r.recordWhile(s, func(waiting []pendingStep) bool { return len(waiting) > most || waiting[0].ready() })
}

// recordAll waits for the results of all steps and records them.
func (r *run) recordAll(s *autograd.Scope) error {
	return r.recordWhile(s, func([]pendingStep) bool { return true })
}

// recordWhile records pending steps in order while more returns true for them. An error ends it, and discards the others.
func (r *run) recordWhile(s *autograd.Scope, more func([]pendingStep) bool) error {
	for len(r.pending.steps) > 0 && more(r.pending.steps) {
		if err := r.recordStep(s, r.pending.steps[0]); err != nil {
			r.discardPending()
			return err
		}
		r.pending.steps = r.pending.steps[1:]
	}
	return nil
}

// discardPending frees results that will not be read.
func (r *run) discardPending() {
	losses := r.pending.loss
	for _, p := range r.pending.steps {
		losses = append(losses, p.loss...)
		p.norm.Discard()
	}
	for _, l := range losses {
		l.scored.Discard()
	}
	r.pending = pending{}
}

// afterFailure records the steps before an error, and returns the error. If the loss of one of them was not finite, which
// explains most other errors, it returns that first.
func (r *run) afterFailure(s *autograd.Scope, err error) error {
	if r.ranks.several() {
		return err // the other ranks are not there
	}
	if late := r.recordAll(s); errors.Is(late, ErrNotFinite) {
		return errors.Join(late, err)
	}
	return err
}

// recordStep records a step with its results, for which it waits.
func (r *run) recordStep(s *autograd.Scope, p pendingStep) error {
	e := p.event
	result, err := r.read(&p)
	if err != nil {
		r.Step = e.Step - 1 // the last good one
		return r.stepError(err)
	}
	if result.skipped {
		p.seen.SkippedUpdates++
	}
	r.Seen.add(p.seen)
	seconds := r.clock.step(p.seen.Images)
	r.pace.add(seconds)
	e.Loss, e.Top1 = p.seen.rates()
	e.Images, e.ImagesPerSecond, e.GradNorm = p.seen.Images, float64(p.seen.Images)/seconds, result.norm
	e.LossScale, e.UpdateSkipped = result.lossScale, result.skipped
	return errors.Join(r.recorder.Record(e), r.noteSkipped(e), r.afterStep(s, e))
}

// read waits for the results of a step, adds those of its batches to the tally and returns the others.
func (r *run) read(p *pendingStep) (stepResult, error) {
	if err := p.readLosses(); err != nil && !(r.ranks.several() && errors.Is(err, ErrNotFinite)) {
		return stepResult{}, err
	}
	if err := r.sumLosses(&p.seen); err != nil {
		return stepResult{}, err
	}
	values, err := p.norm.Values()
	if err != nil {
		return stepResult{}, err
	}
	if p.scaled {
		return newStepResult(values)
	}
	norm := values[0]
	if notFinite(norm) {
		return stepResult{}, fmt.Errorf("the gradients' norm is %v: %w", norm, ErrNotFinite)
	}
	return stepResult{norm: norm}, nil
}

// readLosses waits for the results of a step's batches and adds them to the tally, once.
func (p *pendingStep) readLosses() error {
	for _, l := range p.loss {
		scored, err := l.scored.Values()
		if err != nil {
			return err
		}
		loss, correct := scored[0], scored[1]
		p.seen.Loss += loss * l.weight
		p.seen.Correct += int(correct)
		if notFinite(loss) {
			return fmt.Errorf("the loss is %v: %w", loss, ErrNotFinite)
		}
	}
	p.loss = nil
	return nil
}
