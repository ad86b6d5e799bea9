package batching

import (
	"context"
	"runtime/debug"
	"sync"
)

// PoolStats counts the jobs of a pool.
type PoolStats struct {
	Done    int64 // jobs that ended, those whose caller had returned included
	Refused int64 // jobs rejected because too many waited
	Dropped int64 // jobs whose context ended while they waited
	Running int   // jobs running now, those whose caller has returned included
	Waiting int   // jobs waiting now
}

// Pool runs jobs of many goroutines on a fixed number of workers. What a job needs alone, such as the memory
// of a decoder, is its worker's. A job whose caller has returned keeps its worker until it ends, so that the
// number of jobs, and with it their memory, is bounded.
type Pool[Worker, Out any] struct {
	length  int
	workers int
	idle    chan Worker   // holds the idle workers
	closing chan struct{} // closed by Close

	mu     sync.Mutex
	closed bool
	stats  PoolStats
}

// NewPool creates a pool of these workers. At most length jobs wait for one.
func NewPool[Worker, Out any](workers []Worker, length int) *Pool[Worker, Out] {
	p := &Pool[Worker, Out]{length: length, workers: len(workers), idle: make(chan Worker, len(workers)), closing: make(chan struct{})}
	for _, w := range workers {
		p.idle <- w
	}
	return p
}

// Do runs job on an idle worker, or else waits for one, first in, first out. It returns ErrFull and ErrClosed
// immediately, and the error of ctx when ctx ends: a job that waits then never runs, one that runs keeps its
// worker and its result is discarded. A panic of the job is a *PanicError.
func (p *Pool[Worker, Out]) Do(ctx context.Context, job func(context.Context, Worker) (Out, error)) (out Out, err error) {
	w, err := p.acquire(ctx)
	if err != nil {
		return out, err
	}
	done := make(chan result[Out], 1) // buffered, so that the worker does not block if the caller has returned
	go func() {
		out, err := callJob(ctx, w, job)
		p.release(w)
		done <- result[Out]{out, err}
	}()
	select {
	case r := <-done:
		return r.out, r.err
	case <-ctx.Done():
		return out, ctx.Err()
	}
}

// acquire returns an idle worker. The caller releases it.
func (p *Pool[Worker, Out]) acquire(ctx context.Context) (w Worker, err error) {
	if err := ctx.Err(); err != nil {
		return w, err
	}
	if w, err, ended := p.enter(); ended {
		return w, err
	}
	select {
	case w = <-p.idle:
	case <-ctx.Done():
		err = ctx.Err()
	case <-p.closing:
		err = ErrClosed
	}
	if err == nil && ctx.Err() != nil { // both were ready
		p.idle <- w
		err = ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Waiting--
	if err == nil {
		p.stats.Running++
	} else if err != ErrClosed {
		p.stats.Dropped++
	}
	return w, err
}

// enter takes an idle worker, or an error if there can be none. Otherwise the caller waits.
func (p *Pool[Worker, Out]) enter() (w Worker, err error, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return w, ErrClosed, true
	}
	if p.stats.Waiting == 0 { // otherwise others come first
		select {
		case w = <-p.idle:
			p.stats.Running++
			return w, nil, true
		default:
		}
	}
	if p.stats.Waiting >= p.length {
		p.stats.Refused++
		return w, ErrFull, true
	}
	p.stats.Waiting++
	return w, nil, false
}

func (p *Pool[Worker, Out]) release(w Worker) {
	p.mu.Lock()
	p.stats.Running--
	p.stats.Done++
	p.mu.Unlock()
	p.idle <- w
}

// callJob runs a job and converts a panic to an error.
func callJob[Worker, Out any](ctx context.Context, w Worker, job func(context.Context, Worker) (Out, error)) (out Out, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return job(ctx, w)
}

// Stats returns the counts so far.
func (p *Pool[Worker, Out]) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// Close refuses further jobs, also those that wait, waits for the running ones, and calls free for each
// worker. Only the first call has an effect.
func (p *Pool[Worker, Out]) Close(free func(Worker)) {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.mu.Unlock()
	if !first {
		return
	}
	close(p.closing)
	for range p.workers {
		free(<-p.idle)
	}
}
