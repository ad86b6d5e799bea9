package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// timerSlack is how late timers of the program's threads may be. The Go runtime's monitor wakes up every 20 us, and Linux' 50 us
// of slack, while a goroutine computes in native code; it then takes a core from a thread of the kernels for 5 to 15 us, and
// displaces what that has in its caches. Training of width 0.5 at 128 took 18.3 ms a step with the default, 17.4 with 1 ms
// (medians of six alternating runs on two Zen 5 cores); a single image 1.47 and 1.43 ms on average; seven short runs of a whole
// training 4.95 and 4.84 s. 0.2 ms gains nothing; 4 ms gains more, but the program's own timers would show it.
const timerSlack = time.Millisecond

// setTimerSlack sets the slack of the calling thread, of threads that it creates, and of a program that it executes; returns
// what it was before.
func setTimerSlack(slack time.Duration) (before time.Duration) {
	n, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return 0
	}
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0) // 0: the thread's default
	return time.Duration(n)
}
