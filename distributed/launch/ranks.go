package launch

import (
	"fmt"
	"math"
	"os"

	"depthwise.dev/internal/host"
)

// WithRanks is the place of a process that has to start n ranks on this machine: of a process alone, or of the node of a
// launcher that starts one process a node. Ranks that a launcher has started themselves start no others.
func (e Env) WithRanks(n int) (Env, error) {
	switch {
	case n < 1:
		return e, fmt.Errorf("%s %d: must be at least 1", NProc, n)
	case e.Launcher == NProc:
		return e, nil // one of those ranks, started with the same arguments
	case e.Alone() && n == 1:
		return e, nil
	case e.Alone():
		return Env{Launcher: NProc, Size: n, LocalSize: n, Spawn: n, Host: localhost}, nil
	case e.Launcher == Kubeflow:
		node, nodes := e.Rank/e.LocalSize, e.Size/e.LocalSize
		e.Rank, e.Size, e.LocalSize, e.Spawn = node*n, nodes*n, n, n
		if n == 1 {
			e.Spawn = 0
		}
		if e.Size == 1 {
			e = Env{}
		}
		return e, nil
	}
	return e, fmt.Errorf("%s %d: this is %s already: omit %[1]s, and let %[4]s start as many ranks as you want", NProc, n, e, e.Launcher)
}

// Sharing is the number of ranks that use the processors of this process at the same time, for [host.Divide]: all ranks
// of this machine, or fewer if the launcher has bound each to some processors, as srun and mpirun do.
func (e Env) Sharing() int {
	together := e.Processors
	if together == 0 {
		together = host.ProcessorsOf(os.Getppid())
	}
	return sharing(e.LocalSize, host.ThisProcess().Allowed, together)
}

// sharing divides among some ranks, of which each may run on own processors, and all on those together. 0: unknown.
func sharing(ranks, own, together int) int {
	if ranks <= 1 {
		return 1
	}
	if own <= 0 || together <= 0 {
		return ranks
	}
	return max(1, int(math.Round(float64(own)*float64(ranks)/float64(together))))
}
