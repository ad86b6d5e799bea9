// Package batching lets requests of many goroutines be computed in batches by one goroutine.
package batching

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// Errors of Do.
var (
	ErrFull   = errors.New("the queue is full: as many requests wait as may")
	ErrClosed = errors.New("the queue is closed")
)

// PanicError is a panic in the function that computes.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Settings of a queue; all but Wait must be positive.
type Settings struct {
	Batch  int           // requests in a batch, at most
	Wait   time.Duration // how long a request waits for others to fill its batch
	Length int           // requests that may wait
}

// Stats is what a queue has done so far.
type Stats struct {
	Computed, Batches int64 // requests that were computed, and in how many batches
	Refused           int64 // requests that found the queue full
	Dropped           int64 // requests whose context ended while they waited
	Waiting           int   // requests that wait now
}

// Queue holds requests between the goroutines that make them ([Queue.Do]) and the one that computes them
// ([Queue.Serve]), in the order in which they came.
type Queue[In, Out any] struct {
	settings Settings
	changed  chan struct{} // wakes Serve; holds one signal

	mu      sync.Mutex
	waiting []*request[In, Out]
	closed  bool
	stats   Stats
}

// request is one call of Do.
type request[In, Out any] struct {
	ctx  context.Context
	in   In
	came time.Time
	done chan result[Out] // of one value, so that nobody waits for a caller that has gone
}

type result[Out any] struct {
	out Out
	err error
}

// New makes a queue. Something must call Serve for its requests to be computed.
func New[In, Out any](s Settings) *Queue[In, Out] {
	return &Queue[In, Out]{settings: s, changed: make(chan struct{}, 1)}
}

// Do has in computed and returns the result, or at once ErrFull or ErrClosed. When ctx ends first it returns ctx's error:
// a request that still waits then is never computed, and the result of one that is being computed is thrown away.
func (q *Queue[In, Out]) Do(ctx context.Context, in In) (out Out, err error) {
	if err := ctx.Err(); err != nil {
		return out, err
	}
	r := &request[In, Out]{ctx: ctx, in: in, came: time.Now(), done: make(chan result[Out], 1)}
	if err := q.add(r); err != nil {
		return out, err
	}
	select {
	case is := <-r.done:
		return is.out, is.err
	case <-ctx.Done():
		q.leave(r)
		return out, ctx.Err()
	}
}

func (q *Queue[In, Out]) add(r *request[In, Out]) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return ErrClosed
	case len(q.waiting) >= q.settings.Length:
		q.stats.Refused++
		return ErrFull
	}
	q.waiting = append(q.waiting, r)
	q.wake()
	return nil
}

// leave takes out a request that nobody wants any more, so that its place is free again.
func (q *Queue[In, Out]) leave(r *request[In, Out]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, r); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		q.stats.Dropped++
	}
}

func (q *Queue[In, Out]) wake() {
	select {
	case q.changed <- struct{}{}:
	default: // Serve is about to look already
	}
}

// Close refuses requests from now on. Serve computes those that wait, and returns.
func (q *Queue[In, Out]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

// Stats returns what the queue has done so far.
func (q *Queue[In, Out]) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Waiting = len(q.waiting)
	return s
}

// Serve computes batches, with one result for each request in their order, until the queue is closed and empty. It is for one
// goroutine. An error, or a panic as a *PanicError, reaches the requests of its batch and ends nothing.
func (q *Queue[In, Out]) Serve(compute func([]In) ([]Out, error)) {
	for {
		batch := q.take()
		if batch == nil {
			return
		}
		in := make([]In, len(batch))
		for i, r := range batch {
			in[i] = r.in
		}
		out, err := guarded(compute, in)
		for i, r := range batch {
			is := result[Out]{err: err}
			if err == nil {
				is.out = out[i]
			}
			r.done <- is
		}
	}
}

// guarded calls compute and makes an error of its panic, or of a wrong number of results.
func guarded[In, Out any](compute func([]In) ([]Out, error), in []In) (out []Out, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	out, err = compute(in)
	if err == nil && len(out) != len(in) {
		err = fmt.Errorf("batching: %d results for %d requests", len(out), len(in))
	}
	return out, err
}

// take waits for the next batch; nil when the queue is closed and empty.
func (q *Queue[In, Out]) take() []*request[In, Out] {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch n := len(q.waiting); {
		case n == 0 && q.closed:
			return nil
		case n == 0:
			q.sleep(nil)
		default:
			patience := q.settings.Wait - time.Since(q.waiting[0].came)
			if patience > 0 && n < q.settings.Batch && !q.closed {
				q.sleep(time.After(patience))
			} else if batch := q.cut(); batch != nil {
				return batch
			}
		}
	}
}

// sleep waits for a change, or the time to be up, without the lock.
func (q *Queue[In, Out]) sleep(up <-chan time.Time) {
	q.mu.Unlock()
	defer q.mu.Lock()
	select {
	case <-q.changed:
	case <-up:
	}
}

// cut takes the longest-waiting requests off the queue, without those whose context has ended; nil if none is left.
func (q *Queue[In, Out]) cut() []*request[In, Out] {
	var batch []*request[In, Out]
	looked := 0
	for _, r := range q.waiting {
		if len(batch) == q.settings.Batch {
			break
		}
		looked++
		if r.ctx.Err() != nil {
			q.stats.Dropped++ // Do returns the error by itself
			continue
		}
		batch = append(batch, r)
	}
	q.waiting = slices.Delete(q.waiting, 0, looked)
	if batch != nil {
		q.stats.Batches++
		q.stats.Computed += int64(len(batch))
	}
	return batch
}
