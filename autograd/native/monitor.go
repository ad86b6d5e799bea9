package native

// #include "native.h"
import "C"

import (
	"os"
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
	thread := findMonitor("/proc/self/task", 100)
	return thread > 0 && C.dw_set_timer_slack(C.int(thread), C.uint64_t(by)) != 0
}

var delaying sync.Mutex

// findMonitor returns the number of the thread that is asleep in nanosleep in three of the looks that are taken in turn, or 0: the
// monitor is the only thread of the Go runtime that spends its time there.
func findMonitor(tasks string, looks int) int {
	seen := map[int]int{}
	for range looks {
		entries, err := os.ReadDir(tasks)
		if err != nil {
			return 0
		}
		for _, e := range entries {
			thread, err := strconv.Atoi(e.Name())
			if err != nil || !sleeps(tasks+"/"+e.Name()) {
				continue
			}
			if seen[thread]++; seen[thread] == 3 {
				return thread
			}
		}
	}
	return 0
}

// sleeps reports whether a thread is in nanosleep. The file begins with the system call's number, or says "running".
func sleeps(task string) bool {
	text, err := os.ReadFile(task + "/syscall")
	number, _, _ := strings.Cut(string(text), " ")
	return err == nil && number != "" && number == nanosleep
}
