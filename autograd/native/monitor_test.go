package native

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFindMonitor: only a thread that is always in nanosleep is the monitor.
func TestFindMonitor(t *testing.T) {
	for _, c := range []struct {
		name  string
		tasks map[string]string
		want  int
	}{
		{"asleep in nanosleep", map[string]string{"100": "running\n", "101": nanosleep + " 0x7f 0x0 0x7f\n", "102": "202 0x1 0x80\n"}, 101},
		{"the monitor runs", map[string]string{"100": "running\n", "101": "running\n"}, 0},
		{"another call that begins with the same digits", map[string]string{"101": nanosleep + "1 0x7f\n"}, 0},
		{"empty", map[string]string{"101": ""}, 0},
		{"not a thread", map[string]string{"x": nanosleep + " 0x7f\n"}, 0},
		{"no threads", nil, 0},
	} {
		tasks := t.TempDir()
		for thread, syscall := range c.tasks {
			if err := os.MkdirAll(filepath.Join(tasks, thread), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(tasks, thread, "syscall"), []byte(syscall), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := findMonitor(tasks, 5); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if got := findMonitor(filepath.Join(t.TempDir(), "missing"), 5); got != 0 {
		t.Errorf("no folder: %d, want 0", got)
	}
}

// TestDelayMonitor: one thread's timers change, and only one's. Linux tells root the slack of other threads.
func TestDelayMonitor(t *testing.T) {
	const delay = 7 * time.Millisecond
	if !DelayMonitor(delay) {
		t.Skip("the system does not tell in which call a thread is")
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	delayed := 0
	for _, thread := range threads {
		slack, err := os.ReadFile("/proc/" + thread.Name() + "/timerslack_ns")
		if err != nil {
			t.Skip(err)
		}
		if strings.TrimSpace(string(slack)) == fmt.Sprint(delay.Nanoseconds()) {
			delayed++
		}
	}
	if delayed != 1 {
		t.Errorf("%d of %d threads are delayed, want 1", delayed, len(threads))
	}
}
