// Package distributedtest runs groups of ranks within one process, for tests.
package distributedtest

import (
	"context"
	"sync"
	"testing"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/distributed"
	"depthwise.dev/distributed/launch"
)

// Run calls f for each rank of a group, each in a goroutine and a root scope of its own; they exchange by gloo over the loopback
// interface. f must not call t.Fatal. An error of f, of its scope or of the group fails the test, and ends the other ranks.
func Run(t testing.TB, ranks int, f func(*autograd.Scope, *distributed.Group) error) {
	t.Helper()
	for rank, err := range Errors(t, ranks, distributed.Options{}, f) {
		if err != nil {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}

// Errors is Run with options; it returns the errors by rank.
func Errors(t testing.TB, ranks int, o distributed.Options, f func(*autograd.Scope, *distributed.Group) error) []error {
	t.Helper()
	errs := make([]error, ranks)
	before := autograd.LiveTensors()
	port := FreePort(t)
	var wait sync.WaitGroup
	for rank := range ranks {
		wait.Go(func() { errs[rank] = join(Env(rank, ranks, port), o, f) })
	}
	wait.Wait()
	if leaked := autograd.LiveTensors() - before; leaked != 0 {
		t.Errorf("%d native tensors leaked", leaked)
	}
	return errs
}

func join(e launch.Env, o distributed.Options, f func(*autograd.Scope, *distributed.Group) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	g, err := distributed.Join(ctx, e, o)
	if err != nil {
		return err
	}
	if err := autograd.Run(ctx, func(s *autograd.Scope) error { return f(s, g) }); err != nil {
		g.Fail(err)
		return err
	}
	return g.Close()
}

// Env is the environment of a rank on this machine, whose store is at a port of the loopback interface.
func Env(rank, ranks, port int) launch.Env {
	return launch.Env{Launcher: "a test", Rank: rank, Size: ranks, LocalRank: rank, LocalSize: ranks, Host: "127.0.0.1", Port: port}
}

// FreePort returns a port that is free.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := launch.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}
