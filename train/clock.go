package train

import (
	"time"

	"depthwise.dev/config"
	"depthwise.dev/data"
)

// clock measures the times of a run. None of them is saved in a checkpoint.
type clock struct {
	started     time.Time // start of the run, in this process
	began       time.Time // start of the epoch, in this process
	lastStep    time.Time
	lastSaved   time.Time
	images      int              // trained on in this epoch, in this process
	loaderStats data.LoaderStats // of the epoch's loader, in this process

	limit      time.Duration // of the run; 0: none
	every      time.Duration // between checkpoints; 0: none by time
	everySteps int64         // between checkpoints; 0: none by steps
}

func (c *clock) start(config config.Config) {
	now := time.Now()
	c.lastSaved, c.lastStep, c.limit = now, now, config.Time
	c.every, c.everySteps = config.CheckpointInterval()
}

func (c *clock) epoch() {
	c.began = time.Now()
	c.lastStep, c.images, c.loaderStats = c.began, 0, data.LoaderStats{}
}

func (c *clock) sinceEpoch() time.Duration { return max(time.Since(c.began), time.Nanosecond) }

func (c *clock) timeUp() bool { return c.limit > 0 && time.Since(c.started) >= c.limit }

// step returns the seconds since the last step ended.
func (c *clock) step(images int) float64 {
	now := time.Now()
	took := max(now.Sub(c.lastStep), time.Nanosecond)
	c.lastStep = now
	c.images += images
	return took.Seconds()
}

// checkpointDue reports whether a checkpoint should be written after a step.
func (c *clock) checkpointDue(step int64) bool {
	return c.every > 0 && time.Since(c.lastSaved) >= c.every || c.everySteps > 0 && step%c.everySteps == 0
}

func (c *clock) saved() { c.lastSaved = time.Now() }
