package train

import (
	"testing"
	"time"
)

// TestClockStep: a step takes the time since the previous one, always above 0, and its images count
// for the epoch.
func TestClockStep(t *testing.T) {
	c := clock{lastStep: time.Now().Add(-time.Hour)}
	if took := c.step(4); took < 3600 {
		t.Errorf("the first step took %v s, want an hour", took)
	}
	if took := c.step(4); took <= 0 || took >= 3600 {
		t.Errorf("the second step took %v s", took)
	}
	if c.images != 8 {
		t.Errorf("%d images", c.images)
	}
	if c.epoch(); c.images != 0 {
		t.Errorf("%d images in a new epoch", c.images)
	}
}

func TestCheckpointDue(t *testing.T) {
	now, hourAgo := time.Now(), time.Now().Add(-time.Hour)
	for _, c := range []struct {
		name  string
		clock clock
		step  int64
		want  bool
	}{
		{"never", clock{lastSaved: hourAgo}, 7, false},
		{"time is up", clock{lastSaved: hourAgo, every: time.Minute}, 7, true},
		{"time is not up", clock{lastSaved: now, every: time.Hour}, 7, false},
		{"step", clock{lastSaved: now, everySteps: 7}, 14, true},
		{"between", clock{lastSaved: now, everySteps: 7}, 15, false},
		{"each step", clock{lastSaved: now, everySteps: 1}, 1, true},
	} {
		if got := c.clock.checkpointDue(c.step); got != c.want {
			t.Errorf("%s: due is %v", c.name, got)
		}
	}
	c := clock{lastSaved: hourAgo, every: time.Minute}
	if c.saved(); c.checkpointDue(8) {
		t.Error("due again right after a checkpoint")
	}
	for name, c := range map[string]clock{"no limit": {started: hourAgo}, "in time": {started: now, limit: time.Hour}} {
		if c.timeUp() {
			t.Errorf("%s: the time is up", name)
		}
	}
	if !(&clock{started: hourAgo, limit: time.Minute}).timeUp() {
		t.Error("the time is not up")
	}
}
