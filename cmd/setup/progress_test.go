package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestBar(t *testing.T) {
	tests := []struct {
		name     string
		terminal bool
		ok       bool
		want     string // after updates with half of the bytes and all
	}{
		{"lines", false, true, "setup: unpacking (200 MB)\nsetup: unpacking: 100 of 200 MB\nsetup: unpacking: done in 0 s\n"},
		{"lines, failed", false, false, "setup: unpacking (200 MB)\nsetup: unpacking: 100 of 200 MB\n"},
		{"bar", true, true, " 50% |===============               | 100 of 200 MB"},
		{"bar, finished", true, true, "100% |==============================| 200 of 200 MB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, out := newFake(t, nil)
			s.terminal = tt.terminal
			b := s.bar("unpacking", 200e6)
			b.set(1e6) // too soon after the start to be shown
			b.shown = b.shown.Add(-time.Minute)
			b.set(100e6)
			b.finish(tt.ok)
			if got := out.String(); got != tt.want && !(tt.terminal && strings.Contains(got, tt.want)) {
				t.Errorf("output %q, want %q", got, tt.want)
			}
			if strings.Contains(out.String(), " 1 of 200") {
				t.Errorf("too many updates: %q", out.String())
			}
		})
	}
}

func TestRunWithProgressReturnsTheError(t *testing.T) {
	s, _ := newFake(t, nil)
	broken := errors.New("broken")
	if err := runWithProgress(s.bar("downloading", 1), []string{t.TempDir()}, func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}
