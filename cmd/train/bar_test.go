package main

import (
	"strings"
	"testing"
	"time"
)

// TestRedraw: the line is drawn at most ten times a second, says how much is done and how long it
// takes, and is cleared.
func TestRedraw(t *testing.T) {
	var out strings.Builder
	now := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	step := redraw(&out, "shard", inImages, func() int { return 80 }, func() time.Time { return now })
	for i := range 1000 {
		now = now.Add(10 * time.Millisecond)
		step(int64(i+1), 1000)
	}
	lines := strings.Split(out.String(), "\r")
	if drawn := len(lines) - 1; drawn < 90 || drawn > 102 {
		t.Errorf("drawn %d times in ten seconds", drawn)
	}
	if last := lines[len(lines)-1]; last != "\x1b[0K" {
		t.Errorf("the line is not cleared at the end: %q", last)
	}
	if want := " 50% |███████████████               |  shard: 1000 images    0:05 left\x1b[0K"; !strings.Contains(out.String(), want) {
		t.Errorf("%q lacks %q", out.String(), want)
	}
}

func TestBarText(t *testing.T) {
	for _, c := range []struct {
		name                 string
		u                    unit
		done, total, elapsed int64
		amount               string
		left                 time.Duration
	}{
		{"beginning", inImages, 0, 70000, 5, "70000 images", -1},
		{"too early to say", inImages, 10, 70000, 0, "70000 images", -1},
		{"bytes", inBytes, 50e9, 150e9, 600, "150.0 GB", 20 * time.Minute},
		{"few bytes", inBytes, 10e6, 14.2e6, 0, "14.2 MB", -1},
		{"nothing to do", inImages, 0, 0, 1, "0 images", -1},
		{"more than announced", inImages, 9, 8, 5, "8 images", 0},
	} {
		if got := amount(c.u, c.total); got != c.amount {
			t.Errorf("%s: %q, want %q", c.name, got, c.amount)
		}
		if got := timeLeft(c.done, c.total, time.Duration(c.elapsed)*time.Second); got != c.left {
			t.Errorf("%s: %v left, want %v", c.name, got, c.left)
		}
	}
}
