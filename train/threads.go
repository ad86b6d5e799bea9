package train

import (
	"fmt"

	"depthwise.dev/checkpoints"
	"depthwise.dev/internal/host"
)

// threads is the number of threads that compute, and why that one.
type threads struct {
	n      int
	reason string
}

// usualThreads is the default of this machine.
func usualThreads() threads { return threads{host.Threads(), host.ThreadsReason()} }

// chooseThreads returns the configured number if there is one, otherwise that of the checkpoint that the run continues: the
// usual one may be another, and would compute other bits.
func chooseThreads(configured int, resume *checkpoints.File, usual threads) threads {
	if configured != 0 {
		return threads{configured, "as configured"}
	}
	if resume != nil {
		if was, err := machineOf(*resume); err == nil && was.Threads > 0 { // otherwise sameRun says what is wrong
			return threads{was.Threads, "as in the checkpoint"}
		}
	}
	return usual
}

// String is the choice in words, as "2 threads: 2 physical cores".
func (t threads) String() string {
	if t.n == 1 {
		return "1 thread: " + t.reason
	}
	return fmt.Sprintf("%d threads: %s", t.n, t.reason)
}
