package autograd

import (
	"time"

	"depthwise.dev/autograd/native"
)

// monitorDelay is more than Linux' tick (4 ms at 250 Hz), at which it chooses the threads that run anyway. Images/s of a single
// image at 224 on two idle Zen 5 cores, three runs: 680 without the delay, 717 with 5 ms, 718 with 20 ms.
const monitorDelay = 5 * time.Millisecond

// DelayMonitor makes the monitor thread of the Go runtime wake up less often, every 5 ms instead of about every 70 us, while
// goroutines compute in native code. Each time it takes a core from a thread that computes. A program that trains or serves
// networks calls it once, at its start, as train does, and raises GOMAXPROCS by two: the monitor is what takes a goroutine's
// place (P) for others while it is in native code, which now takes longer. No other thread's timers change. It reports whether
// the monitor was found and delayed: only on Linux, where /proc is readable.
func DelayMonitor() bool { return native.DelayMonitor(monitorDelay) }
