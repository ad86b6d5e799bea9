package native

// #include "native.h"
import "C"

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// DelayMonitor lets the timers of the Go runtime's monitor thread be late by this much; see autograd.DelayMonitor. It reports
// whether the monitor was found and has set it.
func DelayMonitor(by time.Duration) bool {
	delaying.Lock()
	defer delaying.Unlock()
	thread := findMonitor("/proc/self/task", time.Second)
	return thread > 0 && C.dw_set_timer_slack(C.int(thread), C.uint64_t(by)) != 0
}

var delaying sync.Mutex

// nanosleep is the number of the system call in which the monitor sleeps on Linux, while a goroutine runs.
var nanosleep = map[string]string{"amd64": "35", "arm64": "101"}[runtime.GOARCH]

// findMonitor returns the number of the thread that is the first one in nanosleep in three looks, or 0 if there is none within the
// limit: the monitor spends its time there, and is created before other threads. It looks without a pause, since the monitor
// sleeps elsewhere when no goroutine runs. Beside many processes the monitor mostly waits for a processor, so that the three looks
// need not follow one another.
func findMonitor(tasks string, limit time.Duration) int {
	seen := map[int]int{}
	for end := time.Now().Add(limit); time.Now().Before(end); {
		first, ok := firstAsleep(tasks)
		if !ok {
			return 0
		}
		if seen[first]++; first > 0 && seen[first] == 3 {
			return first
		}
	}
	return 0
}

// firstAsleep returns the lowest number of a thread in nanosleep, or 0; false if the system does not tell.
func firstAsleep(tasks string) (int, bool) {
	entries, err := os.ReadDir(tasks)
	if err != nil || nanosleep == "" {
		return 0, false
	}
	var threads []int
	for _, e := range entries {
		if thread, err := strconv.Atoi(e.Name()); err == nil {
			threads = append(threads, thread)
		}
	}
	slices.Sort(threads)
	readable := false
	for _, thread := range threads {
		text, err := os.ReadFile(tasks + "/" + strconv.Itoa(thread) + "/syscall") // begins with a number, or says "running"
		readable = readable || err == nil
		if number, _, _ := strings.Cut(string(text), " "); number == nanosleep {
			return thread, true
		}
	}
	return 0, readable
}
