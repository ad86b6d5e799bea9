package main

import (
	"runtime"
	"strings"
	"testing"

	"depthwise.dev/autograd"
)

func TestComputes(t *testing.T) {
	for _, c := range []struct {
		args string
		want bool
	}{
		{"--data photos", true},
		{"--width 0.5 --data photos --resume auto", true},
		{"eval --weights w --data photos", true},
		{"predict --weights w a.jpg", true},
		{"bench step", true},
		{"bench infer --layers", true},
		{"check --width 0.25", true},
		{"data check photos", true},
		{"", false},
		{"--help", false},
		{"eval -h", false},
		{"--version", false},
		{"version", false},
		{"help eval", false},
		{"summary --width 0.5", false},
		{"export --weights w --output o.npz", false},
		{"data shard photos out", false},
		{"completion bash", false},
		{"__complete --optimizer s", false},
		{"evla --weights w", false},
	} {
		if got := computes(strings.Fields(c.args)); got != c.want {
			t.Errorf("train %s: %v, want %v", c.args, got, c.want)
		}
	}
}

// TestPrepareToCompute: only commands that run a network get a delayed monitor, and more places for goroutines.
func TestPrepareToCompute(t *testing.T) {
	t.Setenv(spinVariable, spinCount) // the program is not started again
	places := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(places)
	prepareToCompute([]string{"version"})
	if got := runtime.GOMAXPROCS(0); got != places {
		t.Errorf("train version: GOMAXPROCS is %d, want %d", got, places)
	}
	delayed := autograd.DelayMonitor()
	runtime.GOMAXPROCS(places)
	prepareToCompute([]string{"bench", "step"})
	if more := runtime.GOMAXPROCS(0) > places; more != delayed {
		t.Errorf("train bench step: GOMAXPROCS raised: %v, want %v", more, delayed)
	}
}
