package train

import (
	"fmt"
	"math"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/optim"
	"depthwise.dev/report"
)

// budget is the state of a run with a time limit (--time): how many steps fit, and the time used so far. The steps are
// planned after the first ones were measured, and corrected at the ends of epochs and each time that half of the
// remaining time has passed. Each plan is stored in a checkpoint before the next step, so that a resumed run continues with
// the same steps and learning rates. Unlike other checkpoints those of such a run depend on the machine's speed.
type budget struct {
	Used   time.Duration `json:"used"`         // by all processes of the run, up to the checkpoint
	Length int64         `json:"length"`       // of the schedule: steps of the first plan; 0: not planned yet
	From   int64         `json:"from"`         // step of the last plan
	At     int64         `json:"at"`           // its place in the schedule
	Steps  int64         `json:"steps"`        // of the run
	Step   float64       `json:"step_seconds"` // time of a step
	End    float64       `json:"end_seconds"`  // time of validation and checkpoint at an epoch's end; 0: not measured
	Last   time.Duration `json:"last"`         // when it was planned or corrected, as time used
	Next   time.Duration `json:"next"`         // when it is corrected within an epoch; 0: not any more
}

// planned reports whether the number of steps is known.
func (b *budget) planned() bool { return b.Length > 0 }

const (
	// budgetReserve is the part of the limit that is not planned for: the end of the process, and the error of the last
	// correction.
	budgetReserve = 0.01
	// A first plan needs this many steps after the process's first one, which is slower, and this part of the limit.
	measuredSteps = 5
	measuredPart  = 0.01
	// Short epochs are not all corrected: only after this part of the limit.
	correctedPart = 0.01
	// minCorrection is the smallest change of the remaining steps that is worth a new plan.
	minCorrection = 0.02
	// Within an epoch nothing is corrected in the last part of the limit: a plan writes a checkpoint.
	lastCorrection = 0.02
	// validationCost is the time of an image in validation relative to one in training before it is measured: the
	// backward pass takes about twice the time of the forward pass.
	validationCost = 0.4
)

// pace measures the time of steps in this process: a mean that follows changes within about 50 steps.
type pace struct {
	skipped    bool // the first step, which is slower
	sum, count float64
	steps      int
	ended      time.Time // when the batches of this epoch ended
	saving     float64   // seconds that the last checkpoint took
}

func (p *pace) add(seconds float64) {
	if !p.skipped {
		p.skipped = true
		return
	}
	const memory = 0.98
	p.sum, p.count, p.steps = memory*p.sum+seconds, memory*p.count+1, p.steps+1
}

// used is the time of the run, in this process and those before.
func (r *run) used() time.Duration { return r.prior + r.clock.since(r.started) }

// startBudget begins or continues the time of the run.
func (r *run) startBudget() {
	if r.config.Time == 0 {
		return
	}
	if r.Budget == nil {
		r.Budget = &budget{}
	}
	r.prior = r.Budget.Used
	if r.Budget.planned() {
		r.totalSteps = r.Budget.Steps
	}
}

// longest is the number of steps that --epochs and --max-steps allow.
func (r *run) longest() int64 {
	epochs := r.config.Epochs
	if epochs == 0 {
		epochs = config.MaxCount
	}
	steps := r.stepsPerEpoch * int64(epochs)
	if r.config.MaxSteps > 0 {
		steps = min(steps, r.config.MaxSteps)
	}
	return steps
}

// scheduleLength is the length of the schedule of a run with a time limit. Before it is known, the learning rate is that of
// the first steps of a long run.
func (r *run) scheduleLength(total int64) int64 {
	switch {
	case r.Budget == nil || !r.Budget.planned():
		return min(total, r.stepsPerEpoch*int64(config.Default().Epochs))
	case r.config.Schedule == "step":
		return total // its decays have a distance in epochs
	}
	return r.Budget.Length
}

// planDue reports whether the length should be planned or corrected after a step.
func (r *run) planDue() bool {
	b := r.Budget
	switch {
	case b == nil || r.ended || r.Step >= r.totalSteps:
		return false
	case b.planned():
		return b.Next > 0 && r.used() >= b.Next
	}
	return r.pace.steps >= measuredSteps && r.pace.sum >= measuredPart*r.config.Time.Seconds()
}

// planWithin plans or corrects the length within an epoch, and stores it.
func (r *run) planWithin(s *autograd.Scope) error {
	due := r.ranks.several() && r.agreed.plan && !r.ended || !r.ranks.several() && r.planDue() // a callback may have ended the run
	if !due {
		return nil
	}
	if err := r.recordAll(s); err != nil {
		return err
	}
	changed := false
	err := r.onFirst(func() (err error) {
		rest := int64((r.loader.Batches() - r.Batch + r.config.Accumulate - 1) / r.config.Accumulate)
		changed, err = r.plan(rest)
		return err
	})
	if err == nil {
		err = r.ranks.share(&changed)
	}
	if err != nil || !changed {
		return err
	}
	return r.save(s, false)
}

// onFirst plans on rank 0, by its clock, and gives the other ranks the plan.
func (r *run) onFirst(plan func() error) error {
	if r.ranks.first() {
		if err := plan(); err != nil {
			return err
		}
	}
	if !r.ranks.several() {
		return nil
	}
	shared := *r.Budget
	if err := r.ranks.share(&shared); err != nil || r.ranks.first() {
		return err
	}
	*r.Budget = shared
	if shared.planned() {
		r.totalSteps = shared.Steps
	}
	return r.setSchedule()
}

// planAtEnd corrects the length at the end of an epoch, which the caller stores.
func (r *run) planAtEnd() error {
	if r.Budget == nil || r.ended || r.Stopped != "" || r.Step >= r.totalSteps {
		return nil
	}
	return r.onFirst(r.correctAtEnd)
}

func (r *run) correctAtEnd() error {
	b := r.Budget
	end := r.clock.since(r.pace.ended).Seconds() + r.pace.saving
	first := b.End == 0
	if !first {
		end = (b.End + end) / 2 // epochs differ
	}
	b.End = end
	if !first && b.planned() && r.used()-b.Last < time.Duration(correctedPart*float64(r.config.Time)) {
		return nil
	}
	_, err := r.plan(0)
	return err
}

// plan sets the number of steps to those that fit into the remaining time, with rest steps left in this epoch, and reports
// whether it changed.
func (r *run) plan(rest int64) (changed bool, err error) {
	b, used := r.Budget, r.used()
	if r.pace.count > 0 {
		b.Step = r.pace.sum / r.pace.count
	}
	if b.Step <= 0 { // an epoch of one step
		b.Step = used.Seconds() / float64(max(r.Step, 1))
	}
	limit := r.config.Time
	left := limit - used
	usable := (left - time.Duration(budgetReserve*float64(limit))).Seconds()
	fit := fitting(usable, b.Step, r.epochEnd(), rest, r.stepsPerEpoch)
	total := min(r.Step+fit, max(r.longest(), r.Step))
	b.Last, b.Next = used, 0
	if left > time.Duration(lastCorrection*float64(limit)) {
		b.Next = used + left/2
	}
	if b.planned() && math.Abs(float64(total-b.Steps)) <= minCorrection*float64(b.Steps-r.Step) {
		return false, nil
	}
	r.revise(total)
	if err := r.setSchedule(); err != nil {
		return false, err
	}
	return true, r.recorder.Record(report.Budget{Step: r.Step, Steps: b.Steps, Epochs: r.epochs(), Used: used.Seconds(), Limit: limit.Seconds(), StepSeconds: b.Step, EndSeconds: r.epochEnd()})
}

// revise changes the number of steps. The schedule continues from where it is.
func (r *run) revise(total int64) {
	b := r.Budget
	if !b.planned() {
		b.Length, b.From, b.At, b.Steps = max(total, 1), r.Step, r.Step, total
	} else {
		at := optim.Stretched{Length: b.Length, From: b.From, At: b.At, Total: b.Steps}.Position(r.Step)
		b.From, b.At, b.Steps = r.Step, at, total
	}
	r.totalSteps = total
}

// epochEnd is the time in seconds that follows the last step of an epoch. Before it is measured, it is estimated.
func (r *run) epochEnd() float64 {
	if r.Budget.End > 0 || r.images.val == nil {
		return r.Budget.End
	}
	images := float64(r.images.val.Len())
	if r.average != nil {
		images *= 2
	}
	return validationCost * r.Budget.Step * images / float64(r.config.GlobalBatch()*r.config.Accumulate)
}

// fitting returns the number of steps that fit into a time in seconds: a step takes step, and end follows the last one of
// each epoch and of the run. rest steps are left in this epoch, and epochs have perEpoch.
func fitting(seconds, step, end float64, rest, perEpoch int64) int64 {
	count := func(seconds float64) int64 {
		return int64(min(max(0, math.Floor((seconds-end)/step)), math.MaxInt32))
	}
	if rest > 0 && seconds < float64(rest)*step+end {
		return min(count(seconds), rest)
	}
	n := int64(0)
	if rest > 0 {
		n, seconds = rest, seconds-float64(rest)*step-end
	}
	epoch := float64(perEpoch)*step + end
	full := int64(min(max(0, math.Floor(seconds/epoch)), math.MaxInt32))
	return n + full*perEpoch + min(count(seconds-float64(full)*epoch), perEpoch)
}

// checkBudget refuses to extend a run whose length is its time limit.
func (r *run) checkBudget() error {
	if r.config.Time > 0 && (r.extended > 0 || r.config.ExtendEpochs > 0) {
		return fmt.Errorf("train: %s: the length of the run is its time limit (--time %v), which more epochs do not change; start a new run from its weights with --init and this folder", r.folder.dir, r.config.Time)
	}
	return nil
}
