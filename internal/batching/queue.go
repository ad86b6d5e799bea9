// Package batching collects requests of many goroutines into batches that one goroutine computes.
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
	ErrFull   = errors.New("the queue is full; retry later")
	ErrClosed = errors.New("the queue is closed")
)

// PanicError is a panic in the compute function of Serve.
type PanicError struct {
	Value any
	Stack []byte
}

// Error is the text of the panic.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Settings of a queue; all but Wait must be positive.
type Settings struct {
	Batch  int           // most requests in a batch
	Wait   time.Duration // most time that a request waits for others to fill its batch
	Length int           // most waiting requests
}

// Stats counts the requests of a queue.
type Stats struct {
	Computed, Batches int64 // computed requests, and their batches
	Refused           int64 // requests rejected because the queue was full
	Dropped           int64 // requests whose context ended while waiting
	Waiting           int   // requests waiting now
}

// Queue passes requests from the goroutines that call [Queue.Do] to the one that computes them
// ([Queue.Serve]), first in, first out.
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
	ctx     context.Context
	in      In
	arrived time.Time
	done    chan result[Out] // buffered, so that Serve does not block if the caller has returned
}

type result[Out any] struct {
	out Out
	err error
}

// New creates a queue. A goroutine must call Serve to compute its requests.
func New[In, Out any](s Settings) *Queue[In, Out] {
	return &Queue[In, Out]{settings: s, changed: make(chan struct{}, 1)}
}

// Do queues in and returns its result. It returns ErrFull and ErrClosed immediately. If ctx ends
// first, it returns the error of ctx: a request that is still waiting is not computed, the result
// of one being computed is discarded.
func (q *Queue[In, Out]) Do(ctx context.Context, in In) (out Out, err error) {
	if err := ctx.Err(); err != nil {
		return out, err
	}
	r := &request[In, Out]{ctx: ctx, in: in, arrived: time.Now(), done: make(chan result[Out], 1)}
	if err := q.add(r); err != nil {
		return out, err
	}
	select {
	case res := <-r.done:
		return res.out, res.err
	case <-ctx.Done():
		q.cancel(r)
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

// cancel removes a waiting request, which frees its place.
func (q *Queue[In, Out]) cancel(r *request[In, Out]) {
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
	default: // a signal is pending
	}
}

// Close rejects further requests. Serve computes the waiting ones and returns.
func (q *Queue[In, Out]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

// Stats returns the counts so far.
func (q *Queue[In, Out]) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Waiting = len(q.waiting)
	return s
}

// Serve calls compute for each batch until the queue is closed and empty. Only one goroutine may
// call it. compute returns one result per request, in order. Its error, or its panic as a
// *PanicError, is returned to the requests of the batch; Serve continues.
func (q *Queue[In, Out]) Serve(compute func([]In) ([]Out, error)) {
	for {
		batch := q.next()
		if batch == nil {
			return
		}
		in := make([]In, len(batch))
		for i, r := range batch {
			in[i] = r.in
		}
		out, err := callCompute(compute, in)
		for i, r := range batch {
			res := result[Out]{err: err}
			if err == nil {
				res.out = out[i]
			}
			r.done <- res
		}
	}
}

// callCompute calls compute and converts a panic or a wrong number of results to an error.
func callCompute[In, Out any](compute func([]In) ([]Out, error), in []In) (out []Out, err error) {
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

// next waits for the next batch and returns nil if the queue is closed and empty.
func (q *Queue[In, Out]) next() []*request[In, Out] {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch n := len(q.waiting); {
		case n == 0 && q.closed:
			return nil
		case n == 0:
			q.sleep(nil)
		default:
			remaining := q.settings.Wait - time.Since(q.waiting[0].arrived)
			if remaining > 0 && n < q.settings.Batch && !q.closed {
				q.sleep(time.After(remaining))
			} else if batch := q.removeBatch(); batch != nil {
				return batch
			}
		}
	}
}

// sleep releases the lock and waits for a change or the timeout.
func (q *Queue[In, Out]) sleep(timeout <-chan time.Time) {
	q.mu.Unlock()
	defer q.mu.Lock()
	select {
	case <-q.changed:
	case <-timeout:
	}
}

// removeBatch removes the oldest requests from the queue and returns those whose context has not
// ended, or nil.
func (q *Queue[In, Out]) removeBatch() []*request[In, Out] {
	var batch []*request[In, Out]
	examined := 0
	for _, r := range q.waiting {
		if len(batch) == q.settings.Batch {
			break
		}
		examined++
		if r.ctx.Err() != nil {
			q.stats.Dropped++ // Do returns the error
			continue
		}
		batch = append(batch, r)
	}
	q.waiting = slices.Delete(q.waiting, 0, examined)
	if batch != nil {
		q.stats.Batches++
		q.stats.Computed += int64(len(batch))
	}
	return batch
}
