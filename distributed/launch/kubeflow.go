package launch

import (
	"strconv"
	"strings"
)

// node reads the variables that torchrun takes its flags from, which Kubeflow sets in the containers of a node
// (PyTorchJob, Trainer v2). A program that is started there without torchrun takes its place, and starts the ranks of
// the node. Other variables do not count: RANK is then the number of the node, and WORLD_SIZE that of all ranks in some versions.
func (v *variables) node() Env {
	nodes := v.nodes()
	each := v.perNode()
	node := 0
	if nodes > 1 {
		name := v.firstOf("PET_NODE_RANK", "RANK")
		node = v.required(name, 0)
		v.within(node, nodes, name, "PET_NNODES")
	}
	if backend := v.text("PET_RDZV_BACKEND"); backend != "" && backend != "static" && nodes > 1 {
		v.wrong("PET_RDZV_BACKEND is %s, by which nodes find each other only with torchrun: start torchrun --no-python PROGRAM", shown(backend))
	}
	if nodes == 1 && each == 1 {
		return Env{}
	}
	e := Env{Launcher: Kubeflow, Rank: node * each, Size: nodes * each, LocalSize: each, Host: localhost}
	if each > 1 {
		e.Spawn = each
	}
	if nodes > 1 {
		if e.Host = v.text(v.firstOf("PET_MASTER_ADDR", "MASTER_ADDR")); e.Host == "" {
			v.wrong("PET_MASTER_ADDR is not set: it is the host of node 0")
		}
		e.Port = v.port(v.firstOf("PET_MASTER_PORT", "MASTER_PORT"))
	}
	return e
}

// nodes reads the number of nodes, of which torchrun allows a range.
func (v *variables) nodes() int {
	text := v.text("PET_NNODES")
	low, high, isRange := strings.Cut(text, ":")
	if isRange && low != high {
		v.wrong("PET_NNODES is %s, a number of nodes that changes, which needs torchrun: start torchrun --no-python PROGRAM", shown(text))
		return 1
	}
	if isRange {
		n, err := strconv.Atoi(low)
		if err == nil && n >= 1 {
			return n
		}
	}
	return v.optional("PET_NNODES", 1, 1)
}

// perNode reads the number of ranks of a node, which torchrun also takes as a word. On the CPU that is one rank with all
// threads, which is faster than one for each processor.
func (v *variables) perNode() int {
	name := v.firstOf("PET_NPROC_PER_NODE", "PET_N_PROC_PER_NODE") // the second is that of old versions of Kubeflow
	switch v.text(name) {
	case "cpu":
		return 1
	case "auto", "gpu":
		return max(1, v.gpus)
	}
	return v.optional(name, 1, 1)
}
