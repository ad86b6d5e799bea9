// Package distributed joins the processes of a run, the ranks, to a group that trains one network: collectives of small
// host values, the process group of autograd for tensors, and heartbeats, by which the failure of a rank ends all others
// within seconds and with its name. docs/distributed.md describes it.
//
// A nil *Group is a process on its own: its methods work, so that code for one process and for several is the same.
package distributed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/distributed/launch"
)

// Options of a group. The zero value is documented with each field.
type Options struct {
	// Timeout is how long a rank waits for the others while they are alive: to join, and in an operation. 0: 10 minutes.
	Timeout time.Duration
	// Silence is how long a rank may not be heard of before the others end. 0: 5 s.
	Silence time.Duration
	// Listen is the address, without a port, at which rank 0 serves the store. "": that of launch.Env.Host if it is this
	// machine's, else all addresses.
	Listen string
	// Interface is the network interface ("eth0") or address at which the ranks connect to this one. "": GLOO_SOCKET_IFNAME, else
	// the interface that reaches the store.
	Interface string
	// Device is where tensors are: on a GPU, its tensors are exchanged by NCCL.
	Device autograd.Device
	// Warn receives warnings, such as for which ranks this one has been waiting. nil: none.
	Warn func(message string)
}

// An Error is why a group ended: what happened to one of its ranks.
type Error struct {
	Rank  int    // -1: unknown, or the store
	Host  string // of the rank; "": unknown
	PID   int
	Cause string // such as "has not been heard of for 5s"
}

// Error names the rank and the cause.
func (e *Error) Error() string {
	return fmt.Sprintf("rank %d (%s, pid %d) %s", e.Rank, e.Host, e.PID, e.Cause)
}

// A Group is this process as one of several that train together. All ranks must call its collectives (Sum, Broadcast, Gather,
// and those of Process) in the same order, from one goroutine. The other methods may be called from any.
type Group struct {
	rank, size int
	process    *autograd.ProcessGroup
}

var errNotBuilt = errors.New("distributed: not built")

// Join joins the group of all processes that the launcher started, and returns when all have joined. It returns a nil Group for
// a process on its own (e.Size is 0 or 1 and there is no launcher). Close the group at the end, or Fail it.
func Join(ctx context.Context, e launch.Env, o Options) (*Group, error) {
	if e.Launcher == "" && e.Size <= 1 {
		return nil, nil
	}
	return nil, errNotBuilt
}

// Rank is this process' number, from 0.
func (g *Group) Rank() int {
	if g == nil {
		return 0
	}
	return g.rank
}

// Size is the number of ranks: the world size.
func (g *Group) Size() int {
	if g == nil {
		return 1
	}
	return g.size
}

// First reports whether this is rank 0, which writes the run's files.
func (g *Group) First() bool { return g.Rank() == 0 }

// Sum adds up the values of all ranks, in place. All ranks get the same bits, and the same ones in each run.
func (g *Group) Sum(values []float64) error {
	if g == nil {
		return nil
	}
	return errNotBuilt
}

// Broadcast returns rank 0's bytes on all ranks; those of the others are ignored.
func (g *Group) Broadcast(b []byte) ([]byte, error) {
	if g == nil {
		return b, nil
	}
	return nil, errNotBuilt
}

// Gather returns the bytes of all ranks, by rank, on all ranks. Their lengths may differ.
func (g *Group) Gather(b []byte) ([][]byte, error) {
	if g == nil {
		return [][]byte{b}, nil
	}
	return nil, errNotBuilt
}

// Process is the process group for tensors; nil of a nil group.
func (g *Group) Process() *autograd.ProcessGroup {
	if g == nil {
		return nil
	}
	return g.process
}

// Context is canceled when the group ends by a failure; its cause is the *Error. Of a nil group it is ctx.
func (g *Group) Context(ctx context.Context) context.Context { return ctx }

// Err is why the group has ended by a failure: an *Error, or nil. Errors of collectives wrap it.
func (g *Group) Err() error { return nil }

// Fail tells the other ranks that this one ends because of err; they end with its name and this error. Use it instead of
// Close.
func (g *Group) Fail(err error) {}

// Close waits until all ranks have called it, and leaves the group. It returns an error if a rank failed before.
func (g *Group) Close() error { return nil }
