package httpserver

import (
	"context"
	"slices"
	"sync"
)

// bodyMemory bounds the memory that the bodies of requests take. Half of it is for small ones: a few clients that announce
// large bodies and send them slowly do not keep usual photographs waiting.
type bodyMemory struct {
	small, large budget
	most         int64 // bytes of a small one
}

// smallBodies is how many small requests fit into the whole memory: of 256 MB, they take 4 MB each at most.
const smallBodies = 64

func (m *bodyMemory) limit(bytes int64) {
	m.small.size, m.large.size, m.most = bytes/2, bytes-bytes/2, bytes/smallBodies
}

// of is the budget of a request that takes so much.
func (m *bodyMemory) of(bytes int64) *budget {
	if bytes <= m.most {
		return &m.small
	}
	return &m.large
}

func (m *bodyMemory) inUse() int64 { return m.small.inUse() + m.large.inUse() }
func (m *bodyMemory) size() int64  { return m.small.size + m.large.size }

// budget is memory that requests share. A request takes its part before its body is read; requests that wait get theirs in
// the order of their arrival.
type budget struct {
	size int64

	mu      sync.Mutex
	used    int64
	waiting []*waiter
}

type waiter struct {
	bytes int64
	ready chan struct{} // closed when it has its part
}

// acquire waits for a part, at most all, until ctx ends. The caller releases it.
func (b *budget) acquire(ctx context.Context, bytes int64) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	bytes = min(bytes, b.size)
	b.mu.Lock()
	if len(b.waiting) == 0 && b.used+bytes <= b.size {
		b.used += bytes
		b.mu.Unlock()
		return func() { b.release(bytes) }, nil
	}
	w := &waiter{bytes, make(chan struct{})}
	b.waiting = append(b.waiting, w)
	b.mu.Unlock()
	select {
	case <-w.ready:
		return func() { b.release(bytes) }, nil
	case <-ctx.Done():
		b.giveUp(w)
		return nil, ctx.Err()
	}
}

// giveUp removes a waiter, or returns the part that it got meanwhile.
func (b *budget) giveUp(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, w); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
	} else {
		b.used -= w.bytes
	}
	b.distribute()
}

func (b *budget) release(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= bytes
	b.distribute()
}

// distribute gives the first waiters their parts, as far as they fit. The caller holds mu.
func (b *budget) distribute() {
	for len(b.waiting) > 0 && b.used+b.waiting[0].bytes <= b.size {
		b.used += b.waiting[0].bytes
		close(b.waiting[0].ready)
		b.waiting = slices.Delete(b.waiting, 0, 1)
	}
}

func (b *budget) inUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
