package launch

import (
	"maps"
	"strings"
	"testing"
)

// environment is a set of variables.
type environment map[string]string

func (e environment) get(name string) string { return e[name] }

// with returns a copy in which some variables are set; those set to "" are not.
func (e environment) with(changes environment) environment {
	c := maps.Clone(e)
	maps.Copy(c, changes)
	return c
}

var (
	torchrun = environment{"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "1", "MASTER_ADDR": "node1",
		"MASTER_PORT": "29500", "TORCHELASTIC_RUN_ID": "job7", "TORCHELASTIC_RESTART_COUNT": "2", "TORCHELASTIC_MAX_RESTARTS": "3", "TORCHELASTIC_USE_AGENT_STORE": "True"}
	slurm = environment{"SLURM_JOB_ID": "123456", "SLURM_STEP_ID": "0", "SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_NODEID": "1", "SLURM_NTASKS": "4",
		"SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_TASKS_PER_NODE": "2(x2)", "SLURM_STEP_NODELIST": "gpu[017-018]", "SLURM_NODELIST": "gpu[017-020]"}
	mpirun = environment{"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "1", "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
		"PMIX_NAMESPACE": "prterun-node1-4711@1"}
	trainer = environment{"PET_NNODES": "3", "PET_NPROC_PER_NODE": "1", "PET_NODE_RANK": "2", "PET_MASTER_ADDR": "job-node-0-0.job", "PET_MASTER_PORT": "29500"}
	job     = environment{"RANK": "1", "WORLD_SIZE": "3", "MASTER_ADDR": "job-master-0", "MASTER_PORT": "23456", "PYTHONUNBUFFERED": "1"}
)

func TestDetect(t *testing.T) {
	slurmEnv := Env{Launcher: Slurm, Rank: 3, Size: 4, LocalRank: 1, LocalSize: 2, Host: "gpu017", Port: portOf("123456.0"), RunID: "123456.0"}
	tests := []struct {
		name string
		seen environment
		want Env
	}{
		{"nothing", environment{}, Env{}},
		{"an address without a rank, as some clusters set for everyone", environment{"MASTER_ADDR": "login1", "MASTER_PORT": "29500"}, Env{}},
		{"torchrun", torchrun, Env{Launcher: Torchrun, Rank: 3, Size: 4, LocalRank: 1, LocalSize: 2, Host: "node1", Port: 29500, AgentStore: true, RunID: "job7", Restarts: 2}},
		{"torchrun without its own store", torchrun.with(environment{"TORCHELASTIC_USE_AGENT_STORE": "False"}),
			Env{Launcher: Torchrun, Rank: 3, Size: 4, LocalRank: 1, LocalSize: 2, Host: "node1", Port: 29500, RunID: "job7", Restarts: 2}},
		{"torchrun in srun", torchrun.with(slurm).with(environment{"SLURM_PROCID": "1"}),
			Env{Launcher: Torchrun, Rank: 3, Size: 4, LocalRank: 1, LocalSize: 2, Host: "node1", Port: 29500, AgentStore: true, RunID: "job7", Restarts: 2}},
		{"torchrun in a container of Kubeflow", torchrun.with(trainer), Env{Launcher: Torchrun, Rank: 3, Size: 4, LocalRank: 1, LocalSize: 2, Host: "node1",
			Port: 29500, AgentStore: true, RunID: "job7", Restarts: 2}},
		{"one rank of torchrun is asked for", environment{"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1", "MASTER_ADDR": "::1", "MASTER_PORT": "1",
			"TORCHELASTIC_RUN_ID": "none"}, Env{Launcher: Torchrun, Size: 1, LocalSize: 1, Host: "::1", Port: 1, RunID: "none"}},

		{"srun", slurm, slurmEnv},
		{"srun with the number of processors", slurm.with(environment{"SLURM_CPUS_ON_NODE": "16"}), func() Env { e := slurmEnv; e.Processors = 16; return e }()},
		{"srun, restarted job", slurm.with(environment{"SLURM_RESTART_COUNT": "1"}), func() Env { e := slurmEnv; e.Restarts = 1; return e }()},
		{"srun with an address", slurm.with(environment{"MASTER_ADDR": "10.0.0.7", "MASTER_PORT": "29501"}),
			Env{Launcher: Slurm, Rank: 3, Size: 4, LocalRank: 1, LocalSize: 2, Host: "10.0.0.7", Port: 29501, RunID: "123456.0"}},
		{"srun with torchrun's variables, as scripts export them", slurm.with(environment{"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}), slurmEnv},
		{"srun of fewer tasks than the job has", slurm.with(environment{"SLURM_NTASKS": "8"}), slurmEnv},
		{"srun on nodes with unequal tasks", slurm.with(environment{"SLURM_STEP_TASKS_PER_NODE": "1,3"}),
			Env{Launcher: Slurm, Rank: 3, Size: 4, LocalRank: 1, LocalSize: 3, Host: "gpu017", Port: portOf("123456.0"), RunID: "123456.0"}},
		{"srun of fewer tasks than the job has, without their numbers", environment{"SLURM_PROCID": "1", "SLURM_NTASKS": "2", "SLURM_LOCALID": "0", "SLURM_NODEID": "1",
			"SLURM_TASKS_PER_NODE": "8(x2)", "SLURM_NODELIST": "n[1-2]", "SLURM_JOB_ID": "7"}, Env{Launcher: Slurm, Rank: 1, Size: 2, LocalSize: 1, Host: "n1", Port: portOf("7"), RunID: "7"}},
		{"the four variables of Slurm that matter", environment{"SLURM_PROCID": "0", "SLURM_NTASKS": "2", "SLURM_LOCALID": "0", "SLURM_NODELIST": "node1", "SLURM_JOB_ID": "7"},
			Env{Launcher: Slurm, Size: 2, LocalSize: 2, Host: "127.0.0.1", Port: portOf("7"), RunID: "7"}},
		{"srun of one task", slurm.with(environment{"SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}), Env{}},
		{"the shell of salloc", slurm.with(environment{"SLURM_STEP_ID": "4294967290", "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"}), Env{}},
		{"a batch script with one task", environment{"SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_NTASKS": "1", "ENVIRONMENT": "BATCH"}, Env{}},
		{"a job without tasks", environment{"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4"}, Env{}},

		{"mpirun", mpirun, Env{Launcher: OpenMPI, Rank: 1, Size: 2, LocalRank: 1, LocalSize: 2, Host: "127.0.0.1", Port: portOf("prterun-node1-4711@1"), RunID: "prterun-node1-4711@1"}},
		{"mpirun on several machines", mpirun.with(environment{"OMPI_COMM_WORLD_SIZE": "4", "MASTER_ADDR": "node1", "MASTER_PORT": "29500"}),
			Env{Launcher: OpenMPI, Rank: 1, Size: 4, LocalRank: 1, LocalSize: 2, Host: "node1", Port: 29500, RunID: "prterun-node1-4711@1"}},
		{"mpirun in a job of Slurm, whose daemons are tasks", slurm.with(mpirun),
			Env{Launcher: OpenMPI, Rank: 1, Size: 2, LocalRank: 1, LocalSize: 2, Host: "127.0.0.1", Port: portOf("prterun-node1-4711@1"), RunID: "prterun-node1-4711@1"}},

		{"one process of MPICH", environment{"PMI_RANK": "0", "PMI_SIZE": "1"}, Env{}},
		{"Slurm with PMI-2", slurm.with(environment{"PMI_RANK": "3", "PMI_SIZE": "4"}), slurmEnv},
		{"MPICH with torchrun's variables", job.with(environment{"PMI_RANK": "1", "PMI_SIZE": "3"}), Env{Launcher: ByHand, Rank: 1, Size: 3, LocalSize: 1, Host: "job-master-0", Port: 23456}},

		{"Trainer v2, one rank a node", trainer, Env{Launcher: Kubeflow, Rank: 2, Size: 3, LocalSize: 1, Host: "job-node-0-0.job", Port: 29500}},
		{"Trainer v2, four ranks a node", trainer.with(environment{"PET_NPROC_PER_NODE": "4"}),
			Env{Launcher: Kubeflow, Rank: 8, Size: 12, LocalSize: 4, Spawn: 4, Host: "job-node-0-0.job", Port: 29500}},
		{"Trainer v2, a rank for each device", trainer.with(environment{"PET_NPROC_PER_NODE": "auto"}),
			Env{Launcher: Kubeflow, Rank: 4, Size: 6, LocalSize: 2, Spawn: 2, Host: "job-node-0-0.job", Port: 29500}},
		{"Trainer v2, one rank for all processors", trainer.with(environment{"PET_NPROC_PER_NODE": "cpu"}), Env{Launcher: Kubeflow, Rank: 2, Size: 3, LocalSize: 1,
			Host: "job-node-0-0.job", Port: 29500}},
		{"one node of Trainer v2 with four ranks", environment{"PET_NNODES": "1", "PET_NPROC_PER_NODE": "4", "PET_NODE_RANK": "0", "PET_MASTER_ADDR": "a", "PET_MASTER_PORT": "1"},
			Env{Launcher: Kubeflow, Size: 4, LocalSize: 4, Spawn: 4, Host: "127.0.0.1"}},
		{"one node of Trainer v2 with one rank", environment{"PET_NNODES": "1", "PET_NPROC_PER_NODE": "1", "PET_NODE_RANK": "0"}, Env{}},
		{"PyTorchJob", job, Env{Launcher: ByHand, Rank: 1, Size: 3, LocalSize: 1, Host: "job-master-0", Port: 23456}},
		{"PyTorchJob with torchrun's variables, where RANK is the node", job.with(environment{"PET_NNODES": "3", "PET_NPROC_PER_NODE": "2", "PET_NODE_RANK": "1", "WORLD_SIZE": "6"}),
			Env{Launcher: Kubeflow, Rank: 2, Size: 6, LocalSize: 2, Spawn: 2, Host: "job-master-0", Port: 23456}},
		{"old PyTorchJob", job.with(environment{"PET_NNODES": "3:3", "PET_N_PROC_PER_NODE": "2", "PET_RDZV_BACKEND": "static"}),
			Env{Launcher: Kubeflow, Rank: 2, Size: 6, LocalSize: 2, Spawn: 2, Host: "job-master-0", Port: 23456}},
		{"by hand, two ranks of one machine", environment{"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"},
			Env{Launcher: ByHand, Rank: 1, Size: 2, LocalRank: 1, LocalSize: 2, Host: "localhost", Port: 29500}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := detect(tt.seen.get, 2)
			if err != nil || got != tt.want {
				t.Errorf("%+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestDetectRefuses(t *testing.T) {
	tests := []struct {
		name string
		seen environment
		want string
	}{
		{"torchrun without a rank", torchrun.with(environment{"RANK": ""}), "(torchrun): RANK is not set; seen: WORLD_SIZE=4 LOCAL_RANK=1"},
		{"torchrun without its address", torchrun.with(environment{"MASTER_ADDR": "", "MASTER_PORT": ""}), "MASTER_ADDR is not set: set it to the host of rank 0; MASTER_PORT is not set"},
		{"a rank beyond the world", torchrun.with(environment{"RANK": "4"}), "RANK is 4, which is no rank of WORLD_SIZE=4: they count from 0 to 3"},
		{"a rank below 0", torchrun.with(environment{"RANK": "-1"}), "RANK is -1 and must be a whole number, at least 0"},
		{"a rank that is no number", torchrun.with(environment{"RANK": "one\ntwo"}), `RANK is "one\ntwo" and must be a whole number`},
		{"a world of none", torchrun.with(environment{"WORLD_SIZE": "0"}), "WORLD_SIZE is 0 and must be a whole number, at least 1"},
		{"a local rank beyond its world", torchrun.with(environment{"LOCAL_RANK": "2"}), "LOCAL_RANK is 2, which is no rank of LOCAL_WORLD_SIZE=2"},
		{"more ranks here than everywhere", torchrun.with(environment{"LOCAL_WORLD_SIZE": "8"}), "LOCAL_WORLD_SIZE is 8, more than WORLD_SIZE=4"},
		{"a local rank above the rank", torchrun.with(environment{"RANK": "0"}), "LOCAL_RANK is 1, more than RANK=0"},
		{"all ranks here, numbered in two ways", torchrun.with(environment{"LOCAL_WORLD_SIZE": "4"}), "RANK is 3 and LOCAL_RANK 1, but all 4 ranks are on this machine"},
		{"a port of nowhere", torchrun.with(environment{"MASTER_PORT": "70000"}), "MASTER_PORT is 70000 and must be a port, at most 65535"},
		{"port 0", torchrun.with(environment{"MASTER_PORT": "0"}), "MASTER_PORT is 0 and must be a whole number, at least 1"},
		{"half true", torchrun.with(environment{"TORCHELASTIC_USE_AGENT_STORE": "1"}), "TORCHELASTIC_USE_AGENT_STORE is 1 and must be True or False"},
		{"a rank alone", environment{"RANK": "1"}, "(RANK and WORLD_SIZE): WORLD_SIZE is not set; MASTER_ADDR is not set"},
		{"a world alone", environment{"WORLD_SIZE": "2"}, "RANK is not set"},
		{"a local rank without its world", job.with(environment{"LOCAL_RANK": "0"}), "LOCAL_RANK is set and LOCAL_WORLD_SIZE is not: set both"},

		{"srun against RANK", slurm.with(environment{"RANK": "0"}), "RANK is 0, but SLURM_PROCID is 3: unset RANK; seen: SLURM_PROCID=3"},
		{"srun against WORLD_SIZE", slurm.with(environment{"WORLD_SIZE": "2"}), "WORLD_SIZE is 2, but SLURM_STEP_NUM_TASKS is 4: unset WORLD_SIZE"},
		{"srun without a local number", slurm.with(environment{"SLURM_LOCALID": ""}), "SLURM_LOCALID is not set"},
		{"srun without nodes", slurm.with(environment{"SLURM_STEP_NODELIST": "", "SLURM_NODELIST": ""}), "MASTER_ADDR is not set, and no SLURM_NODELIST: export MASTER_ADDR"},
		{"srun with nodes that cannot be read", slurm.with(environment{"SLURM_STEP_NODELIST": "gpu[1-"}), "the list of nodes gpu[1-: [ without ]; export MASTER_ADDR"},
		{"srun without a job", slurm.with(environment{"SLURM_JOB_ID": ""}), "MASTER_PORT is not set, and no SLURM_JOB_ID: export MASTER_PORT"},
		{"srun with tasks that cannot be read", slurm.with(environment{"SLURM_STEP_TASKS_PER_NODE": "2(x"}), "SLURM_STEP_TASKS_PER_NODE is 2(x: "},
		{"srun with another number of tasks", slurm.with(environment{"SLURM_STEP_TASKS_PER_NODE": "2(x3)"}), "SLURM_STEP_TASKS_PER_NODE=2(x3) are 6 tasks, but there are 4"},
		{"srun on a node beyond the list", slurm.with(environment{"SLURM_NODEID": "2"}), "SLURM_NODEID is 2, which is no node of SLURM_STEP_TASKS_PER_NODE=2(x2)"},
		{"srun with too high a number", slurm.with(environment{"SLURM_PROCID": "4"}), "SLURM_PROCID is 4, which is no rank of SLURM_STEP_NUM_TASKS=4"},
		{"the batch script of several tasks", environment{"SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODELIST": "n1", "SLURM_NTASKS": "4", "ENVIRONMENT": "BATCH"},
			"the batch script itself is none of the 4 tasks: start the program with srun, or 4 ranks on this machine with --nproc 4"},

		{"mpirun without an address", mpirun.with(environment{"OMPI_COMM_WORLD_SIZE": "4"}), "(Open MPI): MASTER_ADDR is not set, and the ranks are on several machines: pass the host of rank 0, with mpirun -x MASTER_ADDR=HOST"},
		{"mpirun without a name", mpirun.with(environment{"PMIX_NAMESPACE": ""}), "MASTER_PORT is not set: pass a free port"},
		{"mpirun against RANK", mpirun.with(environment{"RANK": "0"}), "RANK is 0, but OMPI_COMM_WORLD_RANK is 1: unset RANK"},
		{"mpirun without a rank", mpirun.with(environment{"OMPI_COMM_WORLD_RANK": ""}), "OMPI_COMM_WORLD_RANK is not set"},

		{"MPICH", environment{"PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALRANKID": "1"}, "this is process 1 of 2 that MPICH or Intel MPI started, without an address: start a shell that sets torchrun's variables, mpiexec -n 2 sh -c 'RANK=$PMI_RANK "},
		{"MPICH without a size", environment{"PMI_RANK": "1"}, "PMI_SIZE is not set"},

		{"nodes without a number", trainer.with(environment{"PET_NODE_RANK": ""}), "(Kubeflow): PET_NODE_RANK is not set"},
		{"a node beyond the nodes", trainer.with(environment{"PET_NODE_RANK": "3"}), "PET_NODE_RANK is 3, which is no rank of PET_NNODES=3"},
		{"a number of nodes that changes", trainer.with(environment{"PET_NNODES": "1:3"}), "PET_NNODES is 1:3, a number of nodes that changes, which needs torchrun: start torchrun --no-python PROGRAM"},
		{"nodes that find each other", trainer.with(environment{"PET_RDZV_BACKEND": "c10d"}), "PET_RDZV_BACKEND is c10d, by which nodes find each other only with torchrun"},
		{"nodes without an address", trainer.with(environment{"PET_MASTER_ADDR": ""}), "PET_MASTER_ADDR is not set: it is the host of node 0"},
		{"a wrong number of ranks a node", trainer.with(environment{"PET_NPROC_PER_NODE": "many"}), "PET_NPROC_PER_NODE is many and must be a whole number, at least 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := detect(tt.seen.get, 2)
			if err == nil {
				t.Fatalf("%+v, want the error %q", got, tt.want)
			}
			if text := err.Error(); !strings.Contains(text, tt.want) || strings.Contains(text, "\n") {
				t.Errorf("error %q, want %q in it", text, tt.want)
			}
		})
	}
}

// FuzzDetect: whatever the variables hold, the place is possible, or an error of one line.
func FuzzDetect(f *testing.F) {
	names := []string{"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID", "SLURM_PROCID", "SLURM_NTASKS",
		"SLURM_LOCALID", "SLURM_NODELIST", "SLURM_JOB_ID", "SLURM_TASKS_PER_NODE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
		"OMPI_COMM_WORLD_LOCAL_SIZE", "PET_NNODES", "PET_NPROC_PER_NODE", "PET_NODE_RANK", "PET_MASTER_ADDR", "PET_MASTER_PORT"}
	for _, seed := range []environment{torchrun, slurm, mpirun, trainer, job} {
		values := make([]string, len(names))
		for i, name := range names {
			values[i] = seed[name]
		}
		f.Add(strings.Join(values, "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		seen := environment{}
		for i, value := range strings.Split(text, "\n") {
			seen[names[i%len(names)]] = value
		}
		e, err := detect(seen.get, 2)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x00\x1b") {
				t.Errorf("error %q", err)
			}
			return
		}
		if e.Alone() {
			return
		}
		local := e.LocalSize >= 1 && e.LocalRank >= 0 && e.LocalRank < e.LocalSize && e.LocalSize <= e.Size
		if !local || e.Rank < 0 || e.Rank >= e.Size || e.Rank+e.Spawn > e.Size || e.Host == "" || e.Port > 65535 {
			t.Errorf("%+v of %v", e, seen)
		}
	})
}
