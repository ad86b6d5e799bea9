//go:build invariants

package autograd_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// elsewhere calls f on another goroutine and waits.
func elsewhere(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// TestMisuse: each misuse of a scope is an error of Run that says what, where and what to do, even
// if the results of the calls were ignored.
func TestMisuse(t *testing.T) {
	for name, c := range map[string]struct {
		f    func(s *autograd.Scope, x *autograd.Tensor)
		want string // a regular expression
	}{
		"operation on another goroutine": {func(s *autograd.Scope, x *autograd.Tensor) {
			elsewhere(func() { s.Add(x, x) })
		}, `autograd: add at invariants_test\.go:\d+: called from another goroutine`},
		"Sub on another goroutine": {func(s *autograd.Scope, x *autograd.Tensor) {
			elsewhere(func() {
				if s.Sub(func(*autograd.Scope) error { return nil }) == nil {
					t.Error("Sub has no error")
				}
			})
		}, "autograd: sub at .*: called from another goroutine"},
		"NoGrad on another goroutine": {func(s *autograd.Scope, x *autograd.Tensor) {
			elsewhere(func() { _ = s.NoGrad(func(*autograd.Scope) error { return nil }) })
		}, "autograd: no grad at .*: called from another goroutine"},
		"Free on another goroutine": {func(s *autograd.Scope, x *autograd.Tensor) {
			elsewhere(func() { s.Free(x) })
			if x.Shape() == nil {
				t.Error("freed")
			}
		}, "autograd: free at .*: called from another goroutine"},
		"Keep on another goroutine": {func(s *autograd.Scope, x *autograd.Tensor) {
			_ = s.Sub(func(s *autograd.Scope) error {
				y := s.Square(x)
				elsewhere(func() { s.Keep(y) })
				return nil
			})
		}, "autograd: keep at .*: called from another goroutine"},
		"tensor of another Run": {func(s *autograd.Scope, x *autograd.Tensor) {
			elsewhere(func() {
				if err := autograd.Run(context.Background(), func(other *autograd.Scope) error {
					if other.Square(x) != nil {
						t.Error("computed")
					}
					return nil
				}); err == nil || !strings.Contains(err.Error(), "belongs to another Run") {
					t.Errorf("the other Run: error %v", err)
				}
			})
			s.Fail(errMine) // the Run that owns the tensor is not affected
		}, "^mine$"},
		"scope that has ended": {func(s *autograd.Scope, x *autograd.Tensor) {
			var ended *autograd.Scope
			_ = s.Sub(func(s *autograd.Scope) error { ended = s; return nil })
			ended.Square(x)
		}, `autograd: square at .*: the scope has ended at invariants_test\.go:\d+`},
		"scope that only grows": {func(s *autograd.Scope, x *autograd.Tensor) {
			for range 1<<16 + 1 {
				s.Detach(x)
			}
		}, "autograd: detach at .*: the scope holds 65536 tensors: open a Sub for each step"},
		"use after free": {func(s *autograd.Scope, x *autograd.Tensor) {
			var dead *autograd.Tensor
			_ = s.Sub(func(s *autograd.Scope) error { dead = s.Square(x); return nil })
			s.Add(x, dead)
		}, `autograd: add: input 1, made at invariants_test\.go:\d+, freed at invariants_test\.go:\d+: tensor is used after its scope`},
	} {
		t.Run(name, func(t *testing.T) {
			err := failing(t, func(s *autograd.Scope) error {
				c.f(s, s.Zeros(autograd.Float32, autograd.CPU, 1))
				return nil
			})
			if !regexp.MustCompile(c.want).MatchString(err.Error()) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// TestMisuseBesideError: both a misuse and another error are reported.
func TestMisuseBesideError(t *testing.T) {
	err := failing(t, func(s *autograd.Scope) error {
		elsewhere(func() { s.Zeros(autograd.Float32, autograd.CPU, 1) })
		return errMine
	})
	if !errors.Is(err, errMine) || !strings.Contains(err.Error(), "called from another goroutine") {
		t.Errorf("error %v", err)
	}
}

// TestCallbackScopes: callbacks may use the tensors of the Run in which they were registered.
func TestCallbackScopes(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		x := s.RequireGrad(autograd.FromSlice(s, []float64{2}, 1))
		y := s.Square(x)
		s.RegisterHook(y, func(s *autograd.Scope, g *autograd.Tensor) *autograd.Tensor { return s.Mul(g, x) })
		s.Backward(y)
		checkClose(t, "gradient", autograd.ToSlice[float64](s, s.Grad(x)), []float64{8}, 0)
	})
}

// TestLiveTensors: live tensors are counted, as leak tests rely on.
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

// recorder replaces the testing.TB of a test that is expected to fail.
type recorder struct {
	testing.TB
	failures []string
}

func (*recorder) Helper() {}

func (r *recorder) Error(args ...any) { r.failures = append(r.failures, fmt.Sprint(args...)) }

func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }

// TestLeak: a tensor that outlives a test (here one of a Run that has not ended) fails it.
func TestLeak(t *testing.T) {
	r := &recorder{}
	made, done := make(chan struct{}), make(chan struct{})
	ended := make(chan error)
	autogradtest.Run(r, func(*autograd.Scope) {
		go func() {
			ended <- autograd.Run(context.Background(), func(s *autograd.Scope) error {
				s.Zeros(autograd.Float32, autograd.CPU, 1)
				close(made)
				<-done
				return nil
			})
		}()
		<-made
	})
	close(done)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(r.failures) != 1 || r.failures[0] != "1 native tensors leaked" {
		t.Errorf("failures %q", r.failures)
	}
}
