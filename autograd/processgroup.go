package autograd

import (
	"fmt"
	"sync/atomic"
	"time"

	"depthwise.dev/autograd/native"
)

// A ProcessGroup exchanges tensors with other processes, the ranks of a run: torch.distributed, by gloo on the CPU and NCCL on
// GPUs. All ranks must call the same operations in the same order, one after another. It belongs to no scope. A nil group is one
// process.
type ProcessGroup struct {
	c          native.ProcessGroup
	rank, size int
	canceled   atomic.Pointer[error]
}

// ProcessGroupOptions are how a process joins a group.
type ProcessGroupOptions struct {
	Rank, Size int
	Address    string // at which the others connect to this process
	Interface  string // the network interface instead of Address
	Device     Device // of tensors
	Timeout    time.Duration
	Prefix     string // of the group's keys in the store
}

// OpenProcessGroup connects the processes of a group, and returns when all have called it. The store must stay open.
func OpenProcessGroup(store *Store, o ProcessGroupOptions) (*ProcessGroup, error) {
	options := native.GroupOptions{Rank: o.Rank, Size: o.Size, Address: o.Address, Device: int(o.Device), Timeout: o.Timeout, Prefix: o.Prefix}
	if o.Interface != "" {
		options.Address, options.IsInterface = o.Interface, true
	}
	c, err := native.OpenProcessGroup(store.s, options)
	if err != nil {
		return nil, fmt.Errorf("autograd: open process group: %w", plain(err))
	}
	return &ProcessGroup{c: c, rank: o.Rank, size: o.Size}, nil
}

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
	const name = "broadcast"
	if !s.ready(name, tensors...) || p == nil || len(tensors) == 0 {
		return
	}
	if err := p.c.Broadcast(tensors.handles()); err != nil {
		s.Fail(p.failure(name, err))
	}
}

// AllReduce adds up the tensors of all ranks, in place and outside any graph. All ranks get the same bits.
func (p *ProcessGroup) AllReduce(s *Scope, t *Tensor) {
	const name = "all-reduce"
	if !s.ready(name, t) || p == nil {
		return
	}
	if err := p.c.AllReduce(native.Tensor(t.c)); err != nil {
		s.Fail(p.failure(name, err))
	}
}

// SumValues adds up values of all ranks, in place. All ranks get the same bits.
func (p *ProcessGroup) SumValues(values []float64) error {
	if err := p.c.Sum(values); err != nil {
		return p.failure("sum", err)
	}
	return nil
}

// BroadcastBytes copies rank 0's bytes to those of all ranks, in place. Their numbers must be equal.
func (p *ProcessGroup) BroadcastBytes(b []byte) error {
	if err := p.c.BroadcastBytes(b); err != nil {
		return p.failure("broadcast", err)
	}
	return nil
}

// GatherBytes returns the bytes of all ranks, one after another. Their numbers must be equal.
func (p *ProcessGroup) GatherBytes(b []byte) ([]byte, error) {
	all, err := p.c.GatherBytes(b, p.size)
	if err != nil {
		return nil, p.failure("gather", err)
	}
	return all, nil
}

// ProcessGroupStatus is what a group does.
type ProcessGroupStatus = native.GroupStatus

// Status is what the group does. Any goroutine may call it.
func (p *ProcessGroup) Status() ProcessGroupStatus { return p.c.Status() }

// SetGrace sets how long an operation that has failed waits for Cancel, whose caller may know the cause.
func (p *ProcessGroup) SetGrace(d time.Duration) { p.c.SetGrace(d) }

// Cancel ends all operations of this process, in progress and later, with err. Any goroutine may call it; the first call counts.
func (p *ProcessGroup) Cancel(err error) {
	p.canceled.CompareAndSwap(nil, &err)
	p.c.Cancel((*p.canceled.Load()).Error())
}

// Close ends the group's threads. A group that was canceled keeps them, since they may wait forever.
func (p *ProcessGroup) Close() { p.c.Free() }

// failure is the error of an operation: that of Cancel if the group was canceled.
func (p *ProcessGroup) failure(name string, err error) error {
	if cause := p.canceled.Load(); cause != nil {
		return fmt.Errorf("autograd: %s: %w", name, *cause)
	}
	return fmt.Errorf("autograd: %s: %w", name, plain(err))
}
