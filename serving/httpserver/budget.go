package httpserver

import (
	"context"
	"slices"
	"sync"
)

// budget bounds the memory that the bodies of requests take together. A request takes its part before its body is read;
// requests that wait get theirs in the order of their arrival.
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

// acquire waits for a part, at most all, until ctx ends. The caller releases what it returns.
func (b *budget) acquire(ctx context.Context, bytes int64) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	bytes = min(bytes, b.size)
	b.mu.Lock()
	if len(b.waiting) == 0 && b.used+bytes <= b.size {
		b.used += bytes
		b.mu.Unlock()
		return bytes, nil
	}
	w := &waiter{bytes, make(chan struct{})}
	b.waiting = append(b.waiting, w)
	b.mu.Unlock()
	select {
	case <-w.ready:
		return bytes, nil
	case <-ctx.Done():
		b.giveUp(w)
		return 0, ctx.Err()
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
