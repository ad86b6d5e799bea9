package train

import (
	"time"

	"depthwise.dev/config"
	"depthwise.dev/data"
)

// clock measures the times of a run. Only those of a time limit are saved in a checkpoint, see budget.
type clock struct {
	now         func() time.Time // nil: time.Now
	started     time.Time        // start of the run, in this process
	began       time.Time        // start of the epoch, in this process
	lastStep    time.Time
	lastSaved   time.Time
	images      int              // trained on in this epoch, in this process
	loaderStats data.LoaderStats // of the epoch's loader, in this process

	limit      time.Duration // of the process; 0: none
	every      time.Duration // between checkpoints; 0: none by time
	everySteps int64         // between checkpoints; 0: none by steps
}

// time is the present.
func (c *clock) time() time.Time {
	if c.now == nil {
		return time.Now()
	}
	return c.now()
}

func (c *clock) since(t time.Time) time.Duration { return c.time().Sub(t) }

func (c *clock) start(config config.Config) {
	now := c.time()
	c.lastSaved, c.lastStep, c.limit = now, now, config.StopAfter
	c.every, c.everySteps = config.CheckpointInterval()
}

func (c *clock) epoch() {
	c.began = c.time()
	c.lastStep, c.images, c.loaderStats = c.began, 0, data.LoaderStats{}
}

func (c *clock) sinceEpoch() time.Duration { return max(c.since(c.began), time.Nanosecond) }

func (c *clock) timeUp() bool { return c.limit > 0 && c.since(c.started) >= c.limit }

// step returns the seconds since the last step ended.
func (c *clock) step(images int) float64 {
	now := c.time()
	took := max(now.Sub(c.lastStep), time.Nanosecond)
	c.lastStep = now
	c.images += images
	return took.Seconds()
}

// checkpointDue reports whether a checkpoint should be written after a step.
func (c *clock) checkpointDue(step int64) bool {
	return c.every > 0 && c.since(c.lastSaved) >= c.every || c.everySteps > 0 && step%c.everySteps == 0
}

// shift excludes a pause that has just ended from the times.
func (c *clock) shift(pause time.Duration) {
	for _, t := range []*time.Time{&c.started, &c.began, &c.lastStep, &c.lastSaved} {
		*t = t.Add(pause)
	}
}

func (c *clock) saved() { c.lastSaved = c.time() }
