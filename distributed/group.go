// Package distributed joins the processes of a run, the ranks, to a group that trains one network: collectives of small
// host values, the process group of autograd for tensors, and heartbeats, by which the failure of a rank ends all others
// within seconds and with its name. docs/distributed.md describes it.
//
// A nil *Group is a process on its own: its methods work, so that code for one process and for several is the same.
package distributed

import (
	"context"
	"time"

	"depthwise.dev/autograd"
)

// A Group is this process as one of several that train together. All ranks must call its collectives (Sum, Broadcast, Gather,
// Close, and those of Process) in the same order, one after another. The other methods may be called from any goroutine.
type Group struct {
	me      member
	members []member
	options Options
	store   *store
	process *autograd.ProcessGroup
	monitor *monitor
	session string // prefix of the group's keys in the store
}

// Rank is this process' number, from 0.
func (g *Group) Rank() int {
	if g == nil {
		return 0
	}
	return g.me.Rank
}

// Size is the number of ranks: the world size.
func (g *Group) Size() int {
	if g == nil {
		return 1
	}
	return g.me.Size
}

// First reports whether this is rank 0, which writes the run's files.
func (g *Group) First() bool { return g.Rank() == 0 }

// Process is the process group for tensors; nil of a nil group.
func (g *Group) Process() *autograd.ProcessGroup {
	if g == nil {
		return nil
	}
	return g.process
}

// Sum adds up the values of all ranks, in place. All ranks get the same bits, and the same ones in each run.
func (g *Group) Sum(values []float64) error {
	if g == nil || len(values) == 0 {
		return nil
	}
	return g.process.SumValues(values)
}

// Broadcast returns rank 0's bytes on all ranks; those of the others are ignored.
func (g *Group) Broadcast(b []byte) ([]byte, error) {
	if g == nil {
		return b, nil
	}
	size := []float64{0}
	if g.First() {
		size[0] = float64(len(b))
	}
	if err := g.Sum(size); err != nil {
		return nil, err
	}
	if !g.First() {
		b = make([]byte, int(size[0]))
	}
	if len(b) == 0 {
		return b, nil
	}
	return b, g.process.BroadcastBytes(b)
}

// Gather returns the bytes of all ranks, by rank, on all ranks. Their lengths may differ.
func (g *Group) Gather(b []byte) ([][]byte, error) {
	if g == nil {
		return [][]byte{b}, nil
	}
	sizes := make([]float64, g.Size())
	sizes[g.Rank()] = float64(len(b))
	if err := g.Sum(sizes); err != nil {
		return nil, err
	}
	longest := 0
	for _, size := range sizes {
		longest = max(longest, int(size))
	}
	parts := make([][]byte, g.Size())
	if longest == 0 {
		return parts, nil
	}
	all, err := g.process.GatherBytes(append(b[:len(b):len(b)], make([]byte, longest-len(b))...))
	if err != nil {
		return nil, err
	}
	for r, size := range sizes {
		parts[r] = all[r*longest : r*longest+int(size) : (r+1)*longest]
	}
	return parts, nil
}

// Err is why the group has ended by a failure: an *Error, or nil. Errors of collectives wrap it.
func (g *Group) Err() error {
	if g == nil {
		return nil
	}
	if e := g.monitor.failed(); e != nil {
		return e
	}
	return nil
}

// Context returns a context that also ends when the group fails; its cause is then the *Error.
func (g *Group) Context(ctx context.Context) (context.Context, context.CancelFunc) {
	if g == nil {
		return context.WithCancel(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(g.monitor.ended, func() {
		if e := g.monitor.failed(); e != nil {
			cancel(e)
		}
	})
	return ctx, func() { stop(); cancel(context.Canceled) }
}

// Fail tells the other ranks that this one ends because of err; they end with its name and this error. Call it, or Close, before
// the process ends. It returns within seconds.
func (g *Group) Fail(err error) {
	if g == nil || err == nil {
		return
	}
	e := failure(g.me, err)
	g.monitor.fail(e)
	g.monitor.stop()
	g.linger(e.Rank)
}

// Close waits until all ranks have called it, without a limit while they live, and leaves the group. It returns an error if a rank
// has failed before; it then has called Fail.
func (g *Group) Close() error {
	if g == nil {
		return nil
	}
	g.monitor.closing.Store(true)
	if err := g.Sum([]float64{1}); err != nil {
		g.Fail(err)
		return err
	}
	g.monitor.stop()
	g.linger(-1)
	within(lingerTime, g.process.Close)
	within(lingerTime, g.store.close)
	return nil
}

// lingerTime is how long a rank that serves the store waits for the others to have read its last entries: two heartbeats.
const lingerTime = 2 * time.Second

// linger keeps the store of this rank until the others, except a rank that has failed, have ended their heartbeats: they would
// take its end for a failure.
func (g *Group) linger(failed int) {
	if !g.store.serves {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lingerTime)
	defer cancel()
	for r := 1; r < g.Size(); r++ {
		if r != failed && g.store.await(ctx, g.session+left(r)) != nil {
			return
		}
	}
}

// within runs f, which may never return, for at most d.
func within(d time.Duration, f func()) {
	done := make(chan struct{})
	go func() { f(); close(done) }()
	select {
	case <-done:
	case <-time.After(d):
	}
}
