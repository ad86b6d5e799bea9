// Package launch says which of a run's processes this one is, from what launchers set in the environment. No libtorch.
package launch

// Env is the place of this process among those that train together, the ranks. The zero value is a process on its own.
type Env struct {
	Launcher             string // for messages: "torchrun", "Slurm", "Kubeflow", "Open MPI", "--nproc"; "": no launcher
	Rank, Size           int    // over all machines: 0 <= Rank < Size
	LocalRank, LocalSize int    // on this machine
	Host                 string // where the store is, as a name or an address: MASTER_ADDR
	Port                 int    // MASTER_PORT
	AgentStore           bool   // the launcher hosts the store; otherwise rank 0 does
	RunID                string // distinguishes runs that share a store; may be empty
	Restarts             int    // how often the launcher has restarted the ranks
}
