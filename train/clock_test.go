package train

import (
	"testing"
	"time"
)

func TestClockEstimate(t *testing.T) {
	c := clock{lastStep: time.Now()}
	for i := 1; i < estimateAt; i++ {
		c.step(4)
		if _, ready := c.estimate(100); ready {
			t.Errorf("ready after %d steps", i)
		}
	}
	c.step(4)
	if c.images != 4*estimateAt {
		t.Errorf("%d images", c.images)
	}
	c.early = (estimateAt - estimateFrom) * 200 * time.Millisecond
	if d, ready := c.estimate(100); !ready || d != 20*time.Second {
		t.Errorf("100 steps of 0.2 s are %v, %v", d, ready)
	}
	if _, ready := c.estimate(0); ready {
		t.Error("an estimate at the end")
	}
	c.step(4)
	if _, ready := c.estimate(100); ready {
		t.Error("ready twice")
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
