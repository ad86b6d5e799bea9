package launch

// torch reads the variables of torchrun, which [Local] sets too. torchrun sets all of them.
func (v *variables) torch(launcher string) Env {
	e := Env{Launcher: launcher, Rank: v.required("RANK", 0), Size: v.required("WORLD_SIZE", 1),
		LocalRank: v.required("LOCAL_RANK", 0), LocalSize: v.required("LOCAL_WORLD_SIZE", 1)}
	e.Host, e.Port = v.master()
	e.RunID = v.text("TORCHELASTIC_RUN_ID")
	e.Restarts = v.optional("TORCHELASTIC_RESTART_COUNT", 0, 0)
	e.AgentStore = v.agentStore()
	v.checkRanks(e)
	return e
}

// byHand reads the variables that PyTorch's init_process_group reads. A launcher that starts one process a machine, such
// as Kubeflow's PyTorchJob, sets no LOCAL_RANK.
func (v *variables) byHand() Env {
	e := Env{Launcher: ByHand, Rank: v.required("RANK", 0), Size: v.required("WORLD_SIZE", 1)}
	e.LocalRank, e.LocalSize = v.optional("LOCAL_RANK", 0, 0), v.optional("LOCAL_WORLD_SIZE", 1, 1)
	if v.has("LOCAL_RANK") && !v.has("LOCAL_WORLD_SIZE") {
		v.wrong("LOCAL_RANK is set and LOCAL_WORLD_SIZE is not: set both, or none where each machine has one rank")
	}
	e.Host, e.Port = v.master()
	v.checkRanks(e)
	return e
}

// master reads the address of the store.
func (v *variables) master() (host string, port int) {
	if host = v.text("MASTER_ADDR"); host == "" {
		v.wrong("MASTER_ADDR is not set: set it to the host of rank 0")
	}
	return host, v.port("MASTER_PORT")
}

// checkRanks checks the numbers that torchrun's variables gave.
func (v *variables) checkRanks(e Env) {
	v.within(e.Rank, e.Size, "RANK", "WORLD_SIZE")
	v.within(e.LocalRank, e.LocalSize, "LOCAL_RANK", "LOCAL_WORLD_SIZE")
	switch {
	case len(v.problems) > 0:
	case e.LocalSize > e.Size:
		v.wrong("LOCAL_WORLD_SIZE is %d, more than WORLD_SIZE=%d", e.LocalSize, e.Size)
	case e.LocalRank > e.Rank:
		v.wrong("LOCAL_RANK is %d, more than RANK=%d", e.LocalRank, e.Rank)
	case e.LocalSize == e.Size && e.LocalRank != e.Rank:
		v.wrong("RANK is %d and LOCAL_RANK %d, but all %d ranks are on this machine (LOCAL_WORLD_SIZE)", e.Rank, e.LocalRank, e.Size)
	}
}

// agentStore reads whether torchrun listens at MASTER_ADDR itself. Python's True and False are what it writes.
func (v *variables) agentStore() bool {
	text := v.text("TORCHELASTIC_USE_AGENT_STORE")
	switch text {
	case "", "False":
	case "True":
		return true
	default:
		v.wrong("TORCHELASTIC_USE_AGENT_STORE is %s and must be True or False", shown(text))
	}
	return false
}

// names are the variables or places that another launcher has for the numbers of torchrun.
type names struct{ rank, world, localRank, localWorld string }

// agreeWithTorch checks that variables of torchrun, which users set too, say the same as those of another launcher.
func (v *variables) agreeWithTorch(e Env, n names) {
	v.agree("RANK", e.Rank, n.rank)
	v.agree("WORLD_SIZE", e.Size, n.world)
	v.agree("LOCAL_RANK", e.LocalRank, n.localRank)
	v.agree("LOCAL_WORLD_SIZE", e.LocalSize, n.localWorld)
}
