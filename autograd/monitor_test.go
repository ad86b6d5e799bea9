package autograd

import (
	"runtime"
	"testing"

	"depthwise.dev/internal/host"
)

// TestDelayMonitor: goroutines get more places with the delay, and the default numbers of threads stay.
func TestDelayMonitor(t *testing.T) {
	places, threads := runtime.GOMAXPROCS(0), host.ThisProcess().Parallel()
	defer runtime.GOMAXPROCS(places)
	want := places
	if DelayMonitor() {
		want = host.ThisProcess().Scheduled + morePlaces
	}
	if got := runtime.GOMAXPROCS(0); got != want {
		t.Errorf("GOMAXPROCS is %d, want %d", got, want)
	}
	if got := host.ThisProcess().Parallel(); got != threads {
		t.Errorf("%d threads by default, want %d as before", got, threads)
	}
}
