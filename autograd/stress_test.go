package autograd_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"depthwise.dev/autograd"
)

// TestStressErrors makes every operation fail repeatedly, on several goroutines, with a successful
// operation before each. Each error must come from its own call and name that call's shape, and
// nothing may leak.
func TestStressErrors(t *testing.T) {
	const goroutines = 4
	total := 100_000
	if testing.Short() {
		total = 5_000
	}
	watched := watchLeaks(t)
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			if err := provokeAll(int64(g), total/goroutines); err != nil {
				t.Errorf("goroutine %d: %v", g, err)
			}
		})
	}
	all.Wait()
	watched.check(t)
}

// provokeAll cycles through the tables until the given number of errors occurred. Shapes identify
// goroutines and iterations.
func provokeAll(goroutine int64, count int) error {
	return autograd.Run(context.Background(), func(s *autograd.Scope) error {
		uses := slices.Concat(wrongUses, plainWrong, onDead)
		for i := range count {
			w := uses[i%len(uses)]
			a, b := 5+goroutine, 11+int64(i)%97
			if err := provokeOne(s, w, a, b); err != nil {
				return fmt.Errorf("%s, error %d: %w", w.of, i, err)
			}
		}
		return s.Err()
	})
}

func provokeOne(s *autograd.Scope, w wrongUse, a, b int64) error {
	want := fmt.Sprintf("%v[%d %d]", w.given, a, b)
	err := s.Sub(func(s *autograd.Scope) error {
		x := s.Zeros(w.given, autograd.CPU, a, b)
		if s.Detach(x); s.Err() != nil {
			return fmt.Errorf("a valid operation failed: %w", s.Err())
		}
		switch {
		case slices.ContainsFunc(onDead, func(d wrongUse) bool { return d.of == w.of }):
			s.Free(x)
			want = autograd.ErrFreed.Error()
		case slices.ContainsFunc(plainWrong, func(p wrongUse) bool { return p.of == w.of }):
			want = ""
		}
		w.use(s, x)
		return nil
	})
	return w.provoked(err, want)
}

// leaks records the resources in use before a test.
type leaks struct {
	tensors, memory int64
	goroutines      int
}

func watchLeaks(t *testing.T) leaks {
	t.Helper()
	runtime.GC() // gotch's tensors of other tests are freed by finalizers
	return leaks{tensors: autograd.LiveTensors(), memory: autograd.MemoryAllocated(), goroutines: runtime.NumGoroutine()}
}

// check fails the test if more resources are in use now. It waits for goroutines that are ending.
func (l leaks) check(t *testing.T) {
	t.Helper()
	runtime.GC()
	for range 100 {
		if runtime.NumGoroutine() <= l.goroutines {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine() - l.goroutines; n > 0 {
		t.Errorf("%d goroutines are left", n)
	}
	if n := autograd.LiveTensors() - l.tensors; n != 0 {
		t.Errorf("%d native tensors leaked", n)
	}
	if n := autograd.MemoryAllocated() - l.memory; n > 0 {
		t.Errorf("%d bytes of tensors leaked", n)
	}
}
