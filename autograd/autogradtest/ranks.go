package autogradtest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"depthwise.dev/autograd"
)

// RunRanks calls f for each rank of a group at the same time, each in a root scope of its own, in goroutines of this
// process. It fails the test if an operation of such a scope failed, which ends the waiting of the others, or if a native
// tensor is still alive afterwards. f must not call t.FailNow.
func RunRanks(t testing.TB, ranks int, f func(*autograd.Scope, *autograd.ProcessGroup)) {
	t.Helper()
	before := autograd.LiveTensors()
	for rank, err := range EachRank(t, ranks, f) {
		if err != nil {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
	if leaked := autograd.LiveTensors() - before; leaked != 0 {
		t.Errorf("%d native tensors leaked", leaked)
	}
}

// EachRank is RunRanks for tests of failures: it returns the errors of the ranks' scopes. The first one ends the waiting of
// the other ranks.
func EachRank(t testing.TB, ranks int, f func(*autograd.Scope, *autograd.ProcessGroup)) []error {
	t.Helper()
	group, err := autograd.LocalProcessGroups(ranks)
	if err != nil {
		t.Fatal(err)
	}
	failures := make([]error, ranks)
	var all sync.WaitGroup
	for rank, p := range group {
		all.Go(func() {
			failed := errors.New("a rank of the test has ended early")
			defer func() {
				if failed != nil {
					p.CancelLocal(failed)
				}
			}()
			failed = autograd.Run(context.Background(), func(s *autograd.Scope) error {
				f(s, p)
				return nil
			})
			failures[rank] = failed
		})
	}
	all.Wait()
	for _, p := range group {
		p.FreeLocal()
	}
	return failures
}
