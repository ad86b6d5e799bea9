package report

import "time"

// memory is the decay per step of the moving averages, which cover about 30 steps.
const memory = 1 - 1.0/30

// average is an exponential moving average without bias toward zero.
type average struct{ sum, weight float64 }

func (a *average) add(x, weight float64) {
	if finite(x) {
		a.sum = memory*a.sum + weight*x
		a.weight = memory*a.weight + weight
	}
}

func (a *average) value() float64 {
	if a.weight == 0 {
		return 0
	}
	return a.sum / a.weight
}

// tracker computes the metrics that progress lines show from the events.
type tracker struct {
	now        func() time.Time
	epochs     int
	steps      int64 // total of the run
	multiLabel bool

	loss, top1, speed average
	badLoss           bool // the last step's loss was not finite
	lastLoss          float64

	// The time left is estimated from the steps after the first one, which is slower: it warms up.
	first time.Time
	done  int64
	left  time.Duration
}

func (t *tracker) start(s Start) { t.epochs, t.steps, t.multiLabel = s.Epochs, s.Steps, s.MultiLabel }

// plan takes the length of a run with a time limit.
func (t *tracker) plan(b Budget) { t.epochs, t.steps = b.Epochs, b.Steps }

func (t *tracker) step(s Step) {
	weight := float64(max(1, s.Images))
	t.loss.add(s.Loss, weight)
	t.top1.add(s.Top1, weight)
	t.speed.add(s.ImagesPerSecond, 1)
	t.lastLoss, t.badLoss = s.Loss, !finite(s.Loss)
	t.estimate(s)
}

func (t *tracker) estimate(s Step) {
	if t.first.IsZero() {
		t.first, t.done = t.now(), s.Step
	}
	if s.Step > t.done {
		perStep := float64(t.now().Sub(t.first)) / float64(s.Step-t.done)
		t.left = time.Duration(perStep * float64(max(0, t.steps-s.Step)))
	}
}

// shownLoss returns the smoothed loss, or the last loss if it is not finite.
func (t *tracker) shownLoss() float64 {
	if t.badLoss {
		return t.lastLoss
	}
	return t.loss.value()
}

// timeLeft returns "" until there is an estimate.
func (t *tracker) timeLeft() string {
	if t.left == 0 {
		return ""
	}
	return clock(t.left) + " left"
}
