//go:build invariants

package autograd_test

import (
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

func TestForeignGoroutine(t *testing.T) {
	err := failing(t, func(s *autograd.Scope) error {
		x := s.Zeros(autograd.Float32, autograd.CPU, 1)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if s.Add(x, x) != nil {
				t.Error("a foreign goroutine made a tensor")
			}
		}()
		<-done
		return nil
	})
	if !strings.Contains(err.Error(), "called from another goroutine") {
		t.Errorf("error %v", err)
	}
}

// TestLiveTensors: what leak tests rely on does count.
func TestLiveTensors(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		before := autograd.LiveTensors()
		x := s.Zeros(autograd.Float32, autograd.CPU, 1)
		s.Add(x, x)
		if n := autograd.LiveTensors() - before; n != 2 {
			t.Errorf("%d live tensors, want 2", n)
		}
		s.Free(x)
		if n := autograd.LiveTensors() - before; n != 1 {
			t.Errorf("%d live tensors after Free, want 1", n)
		}
	})
}
