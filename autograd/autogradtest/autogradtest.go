// Package autogradtest runs tests that use libtorch and fails those that leak.
package autogradtest

import (
	"context"
	"fmt"
	"os"
	"testing"

	"depthwise.dev/autograd"
)

// Run calls f in a root scope. It fails the test if an operation of that scope failed, or if a
// native tensor is still alive afterwards (which the build tag invariants counts).
func Run(t testing.TB, f func(*autograd.Scope)) {
	t.Helper()
	before := autograd.LiveTensors()
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		f(s)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if leaked := autograd.LiveTensors() - before; leaked != 0 {
		t.Errorf("%d native tensors leaked", leaked)
	}
}

// MainOnOneThread is a TestMain that computes on one thread: on a busy machine, two spend their time waiting for each other.
func MainOnOneThread(m *testing.M) {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		autograd.SetThreads(s, 1)
		return s.Err()
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
