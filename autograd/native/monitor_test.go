package native

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestFindMonitor: the oldest thread that is in nanosleep.
func TestFindMonitor(t *testing.T) {
	if nanosleep == "" {
		t.Skip("not for this processor")
	}
	asleep, running := nanosleep+" 0x7f 0x0 0x7f\n", "running\n"
	for _, c := range []struct {
		name  string
		tasks map[string]string
		want  int
	}{
		{"asleep in nanosleep", map[string]string{"100": running, "101": asleep, "102": "202 0x1 0x80\n"}, 101},
		{"two sleep: the older one", map[string]string{"99": running, "1000": asleep, "998": asleep}, 998},
		{"the monitor runs", map[string]string{"100": running, "101": running}, 0},
		{"another call that begins with the same digits", map[string]string{"101": nanosleep + "1 0x7f\n"}, 0},
		{"empty", map[string]string{"101": ""}, 0},
		{"not a thread", map[string]string{"x": asleep}, 0},
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
		limit := 20 * time.Millisecond
		if c.want > 0 {
			limit = time.Minute // ends before, however busy the machine is
		}
		if got := findMonitor(tasks, limit); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if got := findMonitor(filepath.Join(t.TempDir(), "missing"), time.Minute); got != 0 {
		t.Errorf("no folder: %d, want 0", got)
	}
}

// TestDelayMonitor: the monitor's timers change, and those of a thread that runs goroutines do not. Linux tells root the slack
// of other threads.
func TestDelayMonitor(t *testing.T) {
	if _, ok := firstAsleep("/proc/self/task"); !ok {
		t.Skip("the system does not tell in which call a thread is")
	}
	const usual, delay = 50 * time.Microsecond, 7 * time.Millisecond
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if !DelayMonitor(delay) {
		t.Fatal("the monitor was not found")
	}
	defer DelayMonitor(usual)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	delayed, monitor := map[string]bool{}, strconv.Itoa(findMonitor("/proc/self/task", time.Second))
	for _, thread := range threads {
		slack, err := os.ReadFile("/proc/" + thread.Name() + "/timerslack_ns")
		if err != nil {
			t.Skip(err)
		}
		if strings.TrimSpace(string(slack)) == fmt.Sprint(delay.Nanoseconds()) {
			delayed[thread.Name()] = true
		}
	}
	if !delayed[monitor] || len(delayed) == len(threads) {
		t.Errorf("%d of %d threads are delayed, the monitor %v", len(delayed), len(threads), delayed[monitor])
	}
}
