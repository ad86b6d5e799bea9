package main

import (
	"strings"
	"testing"
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
