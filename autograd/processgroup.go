package autograd

import (
	"errors"

	"depthwise.dev/autograd/native"
)

// A ProcessGroup exchanges tensors with other processes, the ranks of a run: torch.distributed. All ranks must call the same
// operations in the same order. It belongs to no scope. A nil group is one process.
type ProcessGroup struct {
	c          native.ProcessGroup
	rank, size int
}

var errNoProcessGroup = errors.New("autograd: process groups are not built")

// Rank is this process' number, from 0.
func (p *ProcessGroup) Rank() int {
	if p == nil {
		return 0
	}
	return p.rank
}

// Size is the number of processes.
func (p *ProcessGroup) Size() int {
	if p == nil {
		return 1
	}
	return p.size
}

// Broadcast copies rank 0's values to the tensors of all ranks, in place and outside any graph. The tensors of all ranks must
// have the same types and shapes; they need not be contiguous.
func (p *ProcessGroup) Broadcast(s *Scope, tensors List) {
	if p != nil {
		s.Fail(errNoProcessGroup)
	}
}

// AllReduce adds up the tensors of all ranks, in place and outside any graph. All ranks get the same bits.
func (p *ProcessGroup) AllReduce(s *Scope, t *Tensor) {
	if p != nil {
		s.Fail(errNoProcessGroup)
	}
}
