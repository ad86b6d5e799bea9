package control

import (
	"context"
	"sync"
	"time"
)

const (
	// maxWaiting is how many requests may wait for the end of a step.
	maxWaiting = 16
	// MaxChanges is how often the learning rate of a run can be changed: checkpoints hold each change.
	MaxChanges = 1000
)

// Phase is what a run does.
type Phase int

// The phases.
const (
	Starting   Phase = iota // before the first step of the process
	Training                // a step
	Between                 // carries out requests between two steps
	Paused                  // waits for requests between two steps
	Validating              // validation, and what follows it at the end of an epoch
	Ended
)

// Position is where a run is when it looks for requests.
type Position struct {
	Phase   Phase   // what follows
	Step    int64   // completed steps
	Steps   int64   // of the whole run
	LR      float64 // of the schedule for the step after Step, without Factor
	NextLR  float64 // likewise for the step after that one
	Factor  float64 // of all changes of the learning rate; 1: none
	Changes int     // of the learning rate so far
}

// Control takes requests from any goroutine, and passes them to one run. The zero value is ready for use. Attach, Stopped,
// Take and Wait, which the run calls, do nothing on a nil Control.
type Control struct {
	mu      sync.Mutex
	at      Position // Factor and Changes include those of waiting
	paused  bool     // after waiting is carried out
	waiting []Request
	stop    context.CancelFunc
	stopped bool
	wake    chan struct{} // closed and replaced when a request arrives
}

// New returns a control of a run that has not started.
func New() *Control { return &Control{} }

// Do requests an action, and returns what the run will do and after which step. Errors are [ErrValue], [ErrNow] or [ErrTooMany].
func (c *Control) Do(q Request) (Answer, error) {
	if err := q.check(); err != nil {
		return Answer{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.possible(q.Action); err != nil {
		return Answer{}, err
	}
	a := Answer{Action: q.Action, AfterStep: c.after()}
	switch q.Action {
	case Stop:
		return c.doStop(a)
	case Pause:
		if c.paused {
			a.Text = describe(a)
			return a, nil
		}
	case LR:
		scheduled := c.at.LR
		if c.at.Phase == Training {
			scheduled = c.at.NextLR
		}
		factor, err := q.Apply(c.at.Factor, scheduled)
		if err != nil {
			return Answer{}, err
		}
		a.Factor, a.LR = factor, factor*scheduled
	}
	if len(c.waiting) >= maxWaiting {
		return Answer{}, refuse(ErrTooMany, "%d requests wait for the end of a step already; try again after it", maxWaiting)
	}
	c.accept(q, a)
	a.Text = describe(a)
	return a, nil
}

// possible returns why an action cannot be done now; nil if it can.
func (c *Control) possible(action string) error {
	switch p := c.at; {
	case p.Phase == Starting && (action != Stop || c.stop == nil):
		return refuse(ErrNow, "the run has not begun its first step; try again when its state is running")
	case p.Phase == Ended:
		return refuse(ErrNow, "the run has ended")
	case c.stopped && action != Stop:
		return refuse(ErrNow, "the run is stopping")
	case p.Phase == Validating && action == LR:
		return refuse(ErrNow, "the run validates, which may change the schedule; try again with the next step")
	case p.Phase == Validating && action == Pause && p.Step >= p.Steps:
		return refuse(ErrNow, "the run ends after this validation, and no step follows")
	case action == Continue && !c.paused:
		return refuse(ErrNow, "the run is not paused")
	case action == LR && c.after() >= p.Steps:
		return refuse(ErrNow, "step %d is the last one: no step follows whose learning rate could be changed", p.Steps)
	case action == LR && p.Changes >= MaxChanges:
		return refuse(ErrNow, "the learning rate was changed %d times, which is the limit of a run", MaxChanges)
	}
	return nil
}

// after is the number of completed steps when the next requests are carried out.
func (c *Control) after() int64 {
	if c.at.Phase == Training {
		return min(c.at.Step+1, c.at.Steps)
	}
	return c.at.Step
}

// accept queues a request for the run.
func (c *Control) accept(q Request, a Answer) {
	switch q.Action {
	case Pause:
		c.paused = true
	case Continue:
		c.paused = false
	case LR:
		c.at.Factor, c.at.Changes = a.Factor, c.at.Changes+1
	}
	c.waiting = append(c.waiting, q)
	c.notify()
}

// doStop ends the context of the run.
func (c *Control) doStop(a Answer) (Answer, error) {
	a.Text = after(a, "the run writes a checkpoint and ends; train resume continues it")
	if !c.stopped {
		c.stopped = true
		c.stop()
		c.notify()
	}
	return a, nil
}

// notify wakes a run that waits.
func (c *Control) notify() {
	if c.wake != nil {
		close(c.wake)
		c.wake = nil
	}
}

// Attach begins the run: the context that it returns ends with ctx, or when a stop is requested. The run calls release at its
// end.
func (c *Control) Attach(ctx context.Context) (attached context.Context, release func()) {
	if c == nil {
		return ctx, func() {}
	}
	attached, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop = cancel
	return attached, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.at.Phase, c.waiting = Ended, nil
		cancel()
	}
}

// Stopped reports whether a stop was requested.
func (c *Control) Stopped() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped
}

// Take returns the waiting requests, in order. p is the position of the run until the next call.
func (c *Control) Take(p Position) []Request {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.waiting
	if len(list) > 0 { // which the run is about to carry out
		p.Factor, p.Changes = c.at.Factor, c.at.Changes
		if p.Phase != Paused {
			p.Phase = Between
		}
	}
	c.at, c.waiting = p, nil
	return list
}

// Wait waits for a request, for the end of the context, or for a time.
func (c *Control) Wait(ctx context.Context, most time.Duration) {
	if c == nil {
		return
	}
	c.mu.Lock()
	if len(c.waiting) > 0 || c.stopped {
		c.mu.Unlock()
		return
	}
	if c.wake == nil {
		c.wake = make(chan struct{})
	}
	wake := c.wake
	c.mu.Unlock()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-wake:
	case <-ctx.Done():
	case <-timer.C:
	}
}
