package autograd

import (
	"runtime"
	"time"

	"depthwise.dev/autograd/native"
	"depthwise.dev/internal/host"
)

// monitorDelay is more than Linux' tick (4 ms at 250 Hz), at which it chooses the threads that run anyway. Images/s of a single
// image at 224 on two idle Zen 5 cores, three runs: 680 without the delay, 717 with 5 ms, 718 with 20 ms.
const monitorDelay = 5 * time.Millisecond

// morePlaces is what GOMAXPROCS is raised by: each goroutine that is in native code or reads a file keeps its place, a P of the Go
// scheduler, until the monitor takes it for another. With the delayed monitor and the usual number of places, a training that its loader bounds took 4 % longer.
const morePlaces = 16

// DelayMonitor makes the monitor thread of the Go runtime wake up less often, every 5 ms instead of about every 70 us while
// goroutines compute in native code: each time it takes a core from a thread that computes. A program that trains or serves
// networks calls it once, at the beginning of main, as train does. Since the monitor is also what lets other goroutines run while
// one is in native code, GOMAXPROCS is raised by 16; the default numbers of threads and workers stay what they were, and the
// runtime no longer follows changes of a CPU quota. Threads that the monitor creates inherit its delay: their timers may be 5 ms
// late.
//
// It reports whether the monitor was found and delayed, in about a millisecond on an idle machine and at most two seconds beside
// many processes; otherwise nothing has changed. It needs Linux and a readable /proc.
func DelayMonitor() bool {
	if !native.DelayMonitor(monitorDelay) {
		return false
	}
	before := host.ThisProcess().Scheduled // kept from now on
	runtime.GOMAXPROCS(before + morePlaces)
	return true
}
