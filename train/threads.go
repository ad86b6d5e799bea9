package train

import (
	"fmt"
	"strconv"

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
// usual one may be another, and would compute other bits. Another number of ranks computes other bits in any case, and each
// rank takes its part of the machine.
func chooseThreads(configured int, resume *checkpoints.File, usual threads, ranks int) threads {
	if configured != 0 {
		return threads{configured, "as configured"}
	}
	if resume != nil && ranksOf(*resume) == ranks {
		if was, err := machineOf(*resume); err == nil && was.Threads > 0 { // otherwise sameRun says what is wrong
			return threads{was.Threads, "as in the checkpoint"}
		}
	}
	return usual
}

// ranksOf is the number of ranks that computed a checkpoint.
func ranksOf(f checkpoints.File) int {
	n, err := strconv.Atoi(f.Meta[metaRanks])
	if err != nil {
		return 1
	}
	return n
}

// String is the choice in words, as "2 threads: 2 physical cores".
func (t threads) String() string {
	if t.n == 1 {
		return "1 thread: " + t.reason
	}
	return fmt.Sprintf("%d threads: %s", t.n, t.reason)
}
