package main

import (
	"runtime"
	"testing"
	"time"
)

func TestTimerSlack(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := setTimerSlack(3 * time.Millisecond)
	if before <= 0 {
		t.Fatalf("slack before: %v", before)
	}
	if got := setTimerSlack(before); got != 3*time.Millisecond {
		t.Errorf("slack after it was set: %v, want 3ms", got)
	}
}
