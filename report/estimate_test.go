package report

import (
	"testing"
	"time"
)

// timed is a run whose steps and ends of epochs take constant times.
type timed struct {
	epochs, batches, accumulate int
	limit                       int64 // of the steps; 0: none
	step, end                   time.Duration
	valBatches                  int
}

func (r timed) perEpoch() int { return (r.batches + r.accumulate - 1) / r.accumulate }

// TestEstimate checks that the time left is right in the second epoch and later, whatever the run's shape.
func TestEstimate(t *testing.T) {
	for _, c := range []struct {
		name string
		run  timed
	}{
		{"ordinary", timed{epochs: 5, batches: 20, accumulate: 1, step: time.Second, end: 7 * time.Second, valBatches: 7}},
		{"fast steps", timed{epochs: 300, batches: 50, accumulate: 1, step: 10 * time.Millisecond, end: 400 * time.Millisecond, valBatches: 4}},
		{"slow steps", timed{epochs: 4, batches: 10, accumulate: 1, step: 10 * time.Second, end: time.Minute, valBatches: 4}},
		{"long validation", timed{epochs: 3, batches: 4, accumulate: 1, step: time.Second, end: time.Hour, valBatches: 4}},
		{"without validation", timed{epochs: 3, batches: 10, accumulate: 1, step: time.Second}},
		{"accumulation", timed{epochs: 4, batches: 10, accumulate: 4, step: 3 * time.Second, end: 5 * time.Second, valBatches: 5}},
		{"epochs of one step", timed{epochs: 9, batches: 1, accumulate: 1, step: 2 * time.Second, end: time.Second, valBatches: 1}},
		{"ends in the middle of an epoch", timed{epochs: 9, batches: 10, accumulate: 1, limit: 35, step: time.Second, end: 5 * time.Second, valBatches: 5}},
	} {
		t.Run(c.name, func(t *testing.T) { c.run.check(t) })
	}
}

func (r timed) check(t *testing.T) {
	clock := newClock()
	tr := tracker{now: clock.now}
	total := int64(r.epochs * r.perEpoch())
	if r.limit > 0 {
		total = r.limit
	}
	epochs := (total + int64(r.perEpoch()) - 1) / int64(r.perEpoch())
	whole := time.Duration(total)*r.step + time.Duration(epochs)*r.end
	began := clock.now()
	tr.start(Start{Epochs: r.epochs, Batches: r.batches, Steps: total, Images: r.batches * 8, ValImages: r.valBatches * 8})
	check := func(epoch int, what string) {
		t.Helper()
		left := whole - clock.now().Sub(began)
		if epoch > 1 && (!tr.known || (tr.left-left).Abs() > whole/1000+time.Millisecond) {
			t.Errorf("epoch %d, %s: %v left (known: %v), want %v", epoch, what, tr.left, tr.known, left)
		}
	}
	for step, epoch := int64(0), 1; step < total; epoch++ {
		for batch := 0; batch < r.batches && step < total; {
			batch, step = min(r.batches, batch+r.accumulate), step+1
			clock.sleep(r.step)
			tr.step(Step{Step: step, Epoch: epoch, Batch: batch, Batches: r.batches, Images: 8, ImagesPerSecond: 8 / r.step.Seconds()})
			check(epoch, "training")
		}
		for batch := 1; batch <= r.valBatches; batch++ {
			clock.sleep(r.end / time.Duration(r.valBatches))
			tr.validation(Validation{Epoch: epoch, Batch: batch, Batches: r.valBatches})
			check(epoch, "validation")
		}
	}
}

// TestEstimateOfFirstEpoch: before the first validation is measured it is estimated, and then the part that was seen counts.
func TestEstimateOfFirstEpoch(t *testing.T) {
	clock := newClock()
	tr := tracker{now: clock.now}
	tr.start(Start{Epochs: 2, Batches: 10, Steps: 20, Images: 80, ValImages: 40})
	for batch := 1; batch <= 10; batch++ {
		clock.seconds(1)
		tr.step(Step{Step: int64(batch), Epoch: 1, Batch: batch, Batches: 10})
	}
	if want := 14 * time.Second; tr.left != want { // 10 steps, two validations of half as many images at 0.4 of the time
		t.Errorf("after the training: %v left, want %v", tr.left, want)
	}
	clock.seconds(6)
	tr.validation(Validation{Epoch: 1, Batch: 2, Batches: 4})
	if want := 20500 * time.Millisecond; tr.left != want { // 10 steps, one and a half ends of (12 s + 2 s) / 2
		t.Errorf("in the middle of the validation: %v left, want %v", tr.left, want)
	}
}

// TestEstimateOfTimeLimit: a run with a time limit never claims more than the rest of it.
func TestEstimateOfTimeLimit(t *testing.T) {
	clock := newClock()
	tr := tracker{now: clock.now}
	tr.start(Start{Batches: 100})
	tr.step(Step{Step: 1, Epoch: 1, Batch: 1, Batches: 100})
	clock.seconds(2)
	tr.step(Step{Step: 2, Epoch: 1, Batch: 2, Batches: 100})
	if tr.known {
		t.Errorf("before the plan: %v left", tr.left)
	}
	tr.plan(Budget{Step: 2, Steps: 50, Epochs: 1, Used: 3, Limit: 63})
	clock.seconds(2)
	tr.step(Step{Step: 3, Epoch: 1, Batch: 3, Batches: 100})
	if tr.left != 58*time.Second || tr.run.Epochs != 1 {
		t.Errorf("%v left, want 58 s; %d epochs", tr.left, tr.run.Epochs)
	}
}

// TestEstimateAfterPause: a pause counts neither as the time of a step nor to a time limit.
func TestEstimateAfterPause(t *testing.T) {
	clock := newClock()
	tr := tracker{now: clock.now}
	tr.start(Start{Epochs: 1, Batches: 10, Steps: 10})
	tr.step(Step{Step: 1, Epoch: 1, Batch: 1, Batches: 10})
	clock.seconds(2)
	tr.step(Step{Step: 2, Epoch: 1, Batch: 2, Batches: 10})
	tr.plan(Budget{Step: 2, Steps: 10, Epochs: 1, Used: 4, Limit: 60})
	tr.control(Control{Action: ControlPause})
	clock.seconds(3600)
	tr.control(Control{Action: ControlContinue, Seconds: 3600})
	clock.seconds(2)
	tr.step(Step{Step: 3, Epoch: 1, Batch: 3, Batches: 10})
	if tr.left != 14*time.Second {
		t.Errorf("%v left, want 14 s", tr.left)
	}
}

// TestEstimateAfterResume: only the steps of this process are measured.
func TestEstimateAfterResume(t *testing.T) {
	clock := newClock()
	tr := tracker{now: clock.now}
	tr.start(Start{Epochs: 4, Batches: 10, Step: 25, Steps: 40})
	clock.seconds(100)
	tr.step(Step{Step: 26, Epoch: 3, Batch: 6, Batches: 10})
	if tr.known {
		t.Errorf("after one step: %v left", tr.left)
	}
	clock.seconds(1)
	tr.step(Step{Step: 27, Epoch: 3, Batch: 7, Batches: 10})
	if tr.left != 13*time.Second {
		t.Errorf("%v left, want 13 s", tr.left)
	}
}
