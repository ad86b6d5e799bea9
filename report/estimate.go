package report

import (
	"math"
	"time"
)

// validationCost is the time of an image in validation relative to one in training, until it is measured: the backward pass
// takes about twice the time of the forward pass.
const validationCost = 0.4

// endMemory is the decay of the mean time at the end of an epoch.
const endMemory = 1 - 1.0/3

// estimate is how long a run still takes: the only estimate that is shown. It consists of the steps that are left and of what
// follows the last step of each epoch: validation, checkpoint, report.
type estimate struct {
	steps     int64     // of the run; 0: not known
	validated float64   // validation images for each training image
	deadline  time.Time // of a run with a time limit

	step, end average // seconds of a step, and at the end of an epoch
	batches   float64 // of a step; more than 1 with gradient accumulation

	last     time.Time // when the last step ended; zero: none yet
	lastStep Step
}

func (e *estimate) start(s Start) {
	*e = estimate{steps: s.Steps, validated: float64(s.ValImages) / float64(max(1, s.Images))}
}

func (e *estimate) plan(b Budget, now time.Time) {
	e.steps, e.deadline = b.Steps, now.Add(seconds(b.Limit)-seconds(b.Used))
}

// shift excludes a pause that has just ended.
func (e *estimate) shift(pause time.Duration) {
	if !e.last.IsZero() {
		e.last = e.last.Add(pause)
	}
	if !e.deadline.IsZero() {
		e.deadline = e.deadline.Add(pause)
	}
}

// add measures a step, from the end of the one before it. The first one of a process is not measured: it is slower.
func (e *estimate) add(s Step, now time.Time) {
	last, took := e.lastStep, now.Sub(e.last).Seconds()
	steps := float64(s.Step - last.Step)
	switch {
	case e.last.IsZero() || steps <= 0:
	case s.Epoch == last.Epoch:
		e.step.addWith(took/steps, 1, e.memory())
		if s.Batch < s.Batches || e.batches == 0 { // the last step of an epoch may have fewer
			e.batches = float64(s.Batch-last.Batch) / steps
		}
	case s.Batch == s.Batches: // the only step of its epoch
		own := min(took, float64(s.Images)/max(s.ImagesPerSecond, 1e-9))
		e.batches = float64(s.Batches)
		e.step.addWith(own, 1, e.memory())
		e.end.addWith(took-own, 1, endMemory)
	default:
		e.end.addWith(max(0, took-e.step.value()), 1, endMemory)
	}
	e.last, e.lastStep = now, s
}

// memory is the decay of the mean time of a step: it covers a minute and at least 30 steps, so that neither pauses nor single
// slow steps move the estimate much.
func (e *estimate) memory() float64 {
	return 1 - 1/max(30, 60/max(e.step.value(), 1e-3))
}

// training returns what is left after the last step, and whether it is known.
func (e *estimate) training(now time.Time) (time.Duration, bool) {
	return e.total(e.epochEnds()*e.epochEnd(), now)
}

// epochEnd returns the seconds at the end of an epoch. Before it is measured, it is estimated.
func (e *estimate) epochEnd() float64 {
	if e.end.weight > 0 {
		return e.end.value()
	}
	return validationCost * e.validated * e.perEpoch() * e.step.value()
}

// validation returns what is left during the validation after an epoch, and whether it is known.
func (e *estimate) validation(v Validation, now time.Time) (time.Duration, bool) {
	done := float64(v.Batch) / float64(max(1, v.Batches))
	end := e.epochEnd()
	if e.end.weight == 0 && !e.last.IsZero() && done > 0 { // its first batch is slower than the others
		end = now.Sub(e.last).Seconds() + (1-done)*end
	}
	return e.total(max(0, e.epochEnds()-done)*end, now)
}

// total adds the steps that are left to the time of the ends of epochs.
func (e *estimate) total(ends float64, now time.Time) (time.Duration, bool) {
	if e.steps == 0 || e.step.weight == 0 && e.end.weight == 0 {
		return 0, false
	}
	left := seconds(float64(e.stepsLeft())*e.step.value() + ends)
	if !e.deadline.IsZero() {
		left = min(left, max(0, e.deadline.Sub(now)))
	}
	return left, true
}

func (e *estimate) stepsLeft() int64 { return max(0, e.steps-e.lastStep.Step) }

// perEpoch returns the number of steps of an epoch.
func (e *estimate) perEpoch() float64 {
	return max(1, math.Ceil(float64(e.lastStep.Batches)/max(1, e.batches)))
}

// epochEnds returns how many ends of epochs are to come, with that of this epoch.
func (e *estimate) epochEnds() float64 {
	rest := math.Ceil(float64(e.lastStep.Batches-e.lastStep.Batch) / max(1, e.batches))
	return 1 + max(0, math.Ceil((float64(e.stepsLeft())-rest)/e.perEpoch()))
}
