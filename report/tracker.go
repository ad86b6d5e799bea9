package report

import "time"

// memory is the decay per step of the moving averages, which cover about 30 steps.
const memory = 1 - 1.0/30

// average is an exponential moving average without bias toward zero.
type average struct{ sum, weight float64 }

func (a *average) add(x, weight float64) { a.addWith(x, weight, memory) }

// addWith adds a value after a decay of the previous ones.
func (a *average) addWith(x, weight, memory float64) {
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
	run        Start // with the numbers of the newest plan
	multiLabel bool
	digits     int // of the largest number of epochs so far: plans of a time limit change it, and nothing should move

	loss, top1, speed average
	badLoss           bool // the last step's loss was not finite
	last              Step

	estimate estimate
	left     time.Duration
	known    bool // whether left is
}

func (t *tracker) start(s Start) {
	t.run, t.multiLabel = s, s.MultiLabel
	t.last.Step = s.Step
	t.digits = digits(int64(s.Epochs))
	if s.Epochs == 0 { // not planned yet
		t.digits = 3
	}
	t.estimate.start(s)
}

// plan takes the length of a run with a time limit.
func (t *tracker) plan(b Budget) {
	t.run.Epochs, t.run.Steps = b.Epochs, b.Steps
	t.digits = max(t.digits, digits(int64(b.Epochs)))
	t.estimate.plan(b, t.now())
}

func (t *tracker) step(s Step) {
	weight := float64(max(1, s.Images))
	t.loss.add(s.Loss, weight)
	t.top1.add(s.Top1, weight)
	t.speed.add(s.ImagesPerSecond, 1)
	t.last, t.badLoss = s, !finite(s.Loss)
	now := t.now()
	t.estimate.add(s, now)
	t.left, t.known = t.estimate.training(now)
}

// control takes what was done on request. A pause does not count in the estimate.
func (t *tracker) control(c Control) {
	if c.Action == ControlContinue {
		t.estimate.shift(seconds(c.Seconds))
	}
}

func (t *tracker) validation(v Validation) {
	t.left, t.known = t.estimate.validation(v, t.now())
}

// shownLoss returns the smoothed loss, or the last loss if it is not finite.
func (t *tracker) shownLoss() float64 {
	if t.badLoss {
		return t.last.Loss
	}
	return t.loss.value()
}

// timeLeft returns "" until there is an estimate.
func (t *tracker) timeLeft() string {
	if !t.known || t.left == 0 {
		return ""
	}
	return shortClock(t.left) + " left"
}
