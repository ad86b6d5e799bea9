package config

import (
	"testing"
	"time"
)

func TestCheckpointInterval(t *testing.T) {
	for _, c := range []struct {
		text  string
		every time.Duration
		steps int64
		ok    bool
	}{
		{"", 0, 0, true},
		{"10m", 10 * time.Minute, 0, true},
		{"90s", 90 * time.Second, 0, true},
		{"500steps", 0, 500, true},
		{"1step", 0, 1, true},
		{"20 steps", 0, 20, true},
		{"0steps", 0, 0, false},
		{"-3steps", 0, 0, false},
		{"0s", 0, 0, false},
		{"steps", 0, 0, false},
		{"500", 0, 0, false},
		{"often", 0, 0, false},
	} {
		every, steps, err := interval(c.text)
		if every != c.every || steps != c.steps || (err == nil) != c.ok {
			t.Errorf("interval(%q) = %v, %d, %v; want %v, %d, ok %v", c.text, every, steps, err, c.every, c.steps, c.ok)
		}
	}
}
