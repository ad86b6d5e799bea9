package launch

import "slices"

// notTasks are the numbers of the steps of a job that are not started by srun PROGRAM: an interactive one, the batch
// script, and processes that joined from outside (SLURM_INTERACTIVE_STEP and the following ones in slurm.h).
var notTasks = []string{"4294967290", "4294967291", "4294967292"}

// slurmTask reports whether srun started this process. A batch script has SLURM_PROCID too, and the SLURM_NTASKS of its
// job; what tells it from a task is that it has no step. Variables set without Slurm, for a test, have neither.
func (v *variables) slurmTask() bool {
	step := v.getenv(v.firstOf("SLURM_STEP_ID", "SLURM_STEPID"))
	return v.has("SLURM_PROCID") && !slices.Contains(notTasks, step)
}

func (v *variables) slurm() Env {
	worldName := v.firstOf("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_NPROCS")
	e := Env{Launcher: Slurm, Rank: v.required("SLURM_PROCID", 0), Size: v.required(worldName, 1)}
	if step := v.text(v.firstOf("SLURM_STEP_ID", "SLURM_STEPID")); step == "" && e.Size > 1 && v.getenv("ENVIRONMENT") == "BATCH" {
		v.batch = true
		v.wrong("the batch script itself is none of the %d tasks: start the program with srun, or %d ranks on this machine with --nproc %[1]d", e.Size, e.Size)
	}
	if e.Size == 1 && len(v.problems) == 0 {
		return Env{} // a step of one task is not meant for several
	}
	v.within(e.Rank, e.Size, "SLURM_PROCID", worldName)
	e.LocalRank = v.required("SLURM_LOCALID", 0)
	hosts := v.slurmHosts()
	e.LocalSize = v.slurmLocal(e, max(1, len(hosts)))
	v.within(e.LocalRank, e.LocalSize, "SLURM_LOCALID", "the tasks of this node")
	v.agreeWithTorch(e, names{"SLURM_PROCID", worldName, "SLURM_LOCALID", "the number of tasks of this node"})
	e.RunID, e.Restarts = v.slurmID(), v.optional("SLURM_RESTART_COUNT", 0, 0)
	e.Processors = v.optional("SLURM_CPUS_ON_NODE", 1, 0)
	v.slurmStore(&e, hosts)
	return e
}

// slurmLocal returns the number of tasks on this node. The list of the job counts only if the step has all of its tasks.
func (v *variables) slurmLocal(e Env, nodes int) int {
	node := v.optional("SLURM_NODEID", 0, 0)
	for _, name := range []string{"SLURM_STEP_TASKS_PER_NODE", "SLURM_TASKS_PER_NODE"} {
		if !v.has(name) {
			continue
		}
		counts, err := tasksPerNode(v.text(name))
		sum := 0
		for _, n := range counts {
			sum += n
		}
		switch {
		case err != nil:
			v.wrong("%s is %s: %v", name, shown(v.text(name)), err)
		case sum == e.Size && node < len(counts):
			return counts[node]
		case name != "SLURM_STEP_TASKS_PER_NODE": // of the job
		case sum != e.Size:
			v.wrong("%s=%s are %d tasks, but there are %d", name, v.text(name), sum, e.Size)
		default:
			v.wrong("SLURM_NODEID is %d, which is no node of %s=%s", node, name, v.text(name))
		}
	}
	return min(e.Size, v.optional("SLURM_NTASKS_PER_NODE", 1, (e.Size+nodes-1)/nodes))
}

// slurmID is the number of the job and of its step, which is another one each time that the script calls srun.
func (v *variables) slurmID() string {
	job, step := v.text(v.firstOf("SLURM_JOB_ID", "SLURM_JOBID")), v.text(v.firstOf("SLURM_STEP_ID", "SLURM_STEPID"))
	if job == "" || step == "" {
		return job
	}
	return job + "." + step
}

// slurmHosts returns the nodes of the step, or nil if they are not known.
func (v *variables) slurmHosts() []string {
	text := v.text(v.firstOf("SLURM_STEP_NODELIST", "SLURM_NODELIST", "SLURM_JOB_NODELIST"))
	if text == "" {
		return nil
	}
	hosts, err := expandHosts(text)
	if err != nil && !v.has("MASTER_ADDR") {
		v.wrong("the list of nodes %s: %v; export MASTER_ADDR, the host of task 0", shown(text), err)
	}
	return hosts
}

// slurmStore finds an address for the store: task 0 is on the first node of the list. MASTER_ADDR and MASTER_PORT take
// precedence.
func (v *variables) slurmStore(e *Env, hosts []string) {
	e.Host = v.text("MASTER_ADDR")
	switch {
	case e.Host != "" || len(v.problems) > 0:
	case hosts == nil:
		v.wrong("MASTER_ADDR is not set, and no SLURM_NODELIST: export MASTER_ADDR, the host of task 0")
	case e.LocalSize == e.Size:
		e.Host = localhost
	default:
		e.Host = hosts[0]
	}
	switch {
	case v.has("MASTER_PORT"):
		e.Port = v.port("MASTER_PORT")
	case e.RunID != "":
		e.Port = portOf(e.RunID)
	default:
		v.wrong("MASTER_PORT is not set, and no SLURM_JOB_ID: export MASTER_PORT, a free port of the host of task 0, such as 29500")
	}
}
