package distributed

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"depthwise.dev/autograd"
)

// A store is a connection to the ranks' store whose calls have a limit. After a call that was given up, the connection cannot
// be used again: the call still holds it.
type store struct {
	s      *autograd.Store
	serves bool         // this process holds the values
	calls  atomic.Int32 // in progress
}

// pollTime is how long to wait before looking for an entry of the store again.
const pollTime = 20 * time.Millisecond

// run runs f, which blocks without a limit, until ctx ends. f then goes on, but its results are dropped.
func run[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// call makes a call of a store.
func call[T any](ctx context.Context, s *store, f func(*autograd.Store) (T, error)) (T, error) {
	s.calls.Add(1)
	return run(ctx, func() (T, error) {
		defer s.calls.Add(-1)
		return f(s.s)
	})
}

func (s *store) set(ctx context.Context, key string, value []byte) error {
	_, err := call(ctx, s, func(s *autograd.Store) (struct{}, error) { return struct{}{}, s.Set(key, value) })
	return err
}

func (s *store) has(ctx context.Context, key string) (bool, error) {
	return call(ctx, s, func(s *autograd.Store) (bool, error) { return s.Has(key) })
}

// get returns an entry; nil if there is none.
func (s *store) get(ctx context.Context, key string) ([]byte, error) {
	return call(ctx, s, func(s *autograd.Store) ([]byte, error) {
		if exists, err := s.Has(key); err != nil || !exists {
			return nil, err
		}
		values, err := s.Get(key)
		if err != nil {
			return nil, err
		}
		return values[0], nil
	})
}

// await waits until an entry exists.
func (s *store) await(ctx context.Context, key string) error {
	for {
		exists, err := s.has(ctx, key)
		if err != nil || exists {
			return err
		}
		if err := sleep(ctx, pollTime); err != nil {
			return err
		}
	}
}

// close closes the connection, and the store if this process serves it; not while a call that was given up holds it.
func (s *store) close() {
	if s.calls.Load() == 0 {
		s.s.Close()
	}
}

// sleep waits, or returns why ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// place is where a store is.
type place struct {
	host  string // as given: a name or an address
	port  int
	ip    string // at which this process connects to it
	route string // address of the host
}

func (p place) String() string { return fmt.Sprintf("%s:%d", p.host, p.port) }

// answerTime is how long a store may take to answer a client that has connected.
const answerTime = 30 * time.Second

// connect opens a connection to a store that is listening.
func connect(ctx context.Context, at place, listener int, prefix string) (*store, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime, fmt.Errorf("no answer within %v", answerTime))
	defer cancel()
	s, err := run(ctx, func() (*autograd.Store, error) {
		return autograd.OpenStore(autograd.StoreOptions{Host: at.ip, Port: at.port, Listener: listener, Prefix: prefix, Timeout: answerTime})
	})
	if err != nil {
		return nil, fmt.Errorf("distributed: what listens at %v does not answer as the store of the ranks: %w; if it is another program, choose another MASTER_PORT", at, err)
	}
	return &store{s: s, serves: listener >= 0}, nil
}
