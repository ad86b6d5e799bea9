package launch

import (
	"fmt"

	"depthwise.dev/internal/host"
)

// Env is the place of this process among those that train together, the ranks. The zero value is a process alone.
type Env struct {
	Launcher string // such as [Torchrun], for messages; "": the process was started alone

	Rank, Size           int // of all ranks
	LocalRank, LocalSize int // of the ranks on this machine

	// Spawn is the number of ranks that this process has to start on this machine, in place of being one itself: those
	// from Rank on. 0: it is a rank.
	Spawn int

	// Processors is how many the ranks of this machine have together; 0: those of the process that started them.
	Processors int

	Host string // where the store is, as a name or an address
	Port int
	// AgentStore: the launcher has the store, and every rank is a client. Otherwise rank 0 has it.
	AgentStore bool

	// RunID tells this run of the launcher from others, and is the same on all ranks; "": the launcher has none. Restarts is
	// how often the launcher has started the ranks of this run again.
	RunID    string
	Restarts int
}

// Launchers, as messages name them.
const (
	Torchrun = "torchrun"
	NProc    = "--nproc"
	Slurm    = "Slurm"
	OpenMPI  = "Open MPI"
	Kubeflow = "Kubeflow"
	ByHand   = "RANK and WORLD_SIZE"
)

// Alone reports whether no launcher started the process, or one that starts a single rank unless it is told otherwise.
func (e Env) Alone() bool { return e.Launcher == "" }

// First reports whether this is rank 0, which writes the files of the run. A process alone is.
func (e Env) First() bool { return e.Rank == 0 }

// String is "rank 1 of 4 (torchrun)".
func (e Env) String() string {
	if e.Alone() {
		return "a process alone"
	}
	return fmt.Sprintf("rank %d of %d (%s)", e.Rank, e.Size, e.Launcher)
}

// Detect returns the place of this process in a group from the variables of its environment: those of torchrun, of
// Slurm's srun, of Open MPI's mpirun, of Kubeflow (PyTorchJob, Trainer v2), or RANK and WORLD_SIZE of any other launcher.
// Missing variables, and variables that contradict each other, are an [*Error] that lists what was seen.
//
// A launcher may run inside another: torchrun started by srun counts, and not srun.
func Detect(getenv func(name string) string) (Env, error) {
	return detect(getenv, host.GPUs())
}

// detect is Detect on a machine with some GPUs.
func detect(getenv func(string) string, gpus int) (Env, error) {
	v := &variables{getenv: getenv, gpus: gpus}
	e := v.detect()
	if err := v.err(e.Launcher); err != nil {
		return Env{}, err
	}
	return e, nil
}

// launcherVariable names the launcher of ranks that this package starts. Its value is that of [Env.Launcher].
const launcherVariable = "DEPTHWISE_LAUNCHER"

func (v *variables) detect() Env {
	switch {
	case v.has(launcherVariable):
		return v.torch(v.text(launcherVariable))
	case v.has("TORCHELASTIC_RUN_ID"):
		return v.torch(Torchrun)
	case v.has("PET_NNODES", "PET_NODE_RANK", "PET_NPROC_PER_NODE", "PET_N_PROC_PER_NODE"):
		return v.node()
	case v.has("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"):
		return v.openMPI()
	case v.slurmTask():
		return v.slurm()
	case v.has("RANK", "WORLD_SIZE"):
		return v.byHand()
	case v.has("PMI_RANK"):
		v.hydra()
	}
	return Env{}
}
