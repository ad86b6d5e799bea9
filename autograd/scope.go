package autograd

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// ErrFreed is returned when a tensor is used after its scope has ended.
var ErrFreed = errors.New("tensor is used after its scope has ended; pass it to the parent scope with Keep")

// A Scope owns tensors and holds the first error. The zero value is not usable; see Run.
type Scope struct {
	watch   watch // under the build tag invariants
	ctx     context.Context
	parent  *Scope
	owned   []*Tensor
	ending  []func() // of Defer
	err     error
	compute DType // compute type of Conv2d and Linear; Float32 means their inputs' type
	again   bool  // a checkpoint recomputes: running statistics must not be updated again
}

// Run calls f with a new root scope on one pinned OS thread, and frees everything the scope owns on
// return or panic. It returns f's error, else the first error of an operation in the scope, else
// ctx's error if ctx ended before f ran.
func Run(ctx context.Context, f func(*Scope) error) error {
	runtime.LockOSThread() // libtorch's modes and thread pool and gotch's last error are thread-local
	defer runtime.UnlockOSThread()
	if err := ctx.Err(); err != nil {
		return err
	}
	s := &Scope{watch: newWatch(), ctx: ctx, compute: Float32}
	return s.watch.verdict(s.run(f))
}

// Sub calls f with a nested scope, which ends when f returns. It returns f's error, else the first
// error of an operation in f; s itself stays usable. (Subtract is the difference of tensors.)
func (s *Scope) Sub(f func(*Scope) error) error {
	if err := s.enter("sub"); err != nil {
		return err
	}
	return s.child().run(f)
}

// NoGrad is Sub with recording disabled, as torch.no_grad; afterwards the previous mode is
// restored.
func (s *Scope) NoGrad(f func(*Scope) error) error {
	if err := s.enter("no grad"); err != nil {
		return err
	}
	previous := lib.AtGradSetEnabled(0)
	defer lib.AtGradSetEnabled(previous & 1)
	return s.child().run(f)
}

// Autocast is Sub with Conv2d and Linear computing in the given type, as torch.autocast: their
// inputs and weights are converted; batch norm, losses and parameters are unchanged. Float32
// disables it.
func (s *Scope) Autocast(compute DType, f func(*Scope) error) error {
	if err := s.enter("autocast"); err != nil {
		return err
	}
	child := s.child()
	child.compute = compute
	return child.run(f)
}

func (s *Scope) child() *Scope {
	return &Scope{watch: s.watch.child(), ctx: s.ctx, parent: s, compute: s.compute, again: s.again}
}

// enter returns the error that prevents opening a scope within s, or nil.
func (s *Scope) enter(how string) error {
	if invariants {
		if err := s.misuse(how); err != nil {
			return err
		}
	}
	return s.err
}

func (s *Scope) run(f func(*Scope) error) error {
	defer s.free()
	if err := f(s); err != nil {
		return err
	}
	return s.err
}

// Defer calls f when the scope ends, before its tensors are freed; the last f first.
func (s *Scope) Defer(f func()) { s.ending = append(s.ending, f) }

func (s *Scope) free() {
	for len(s.ending) > 0 {
		last := s.ending[len(s.ending)-1]
		s.ending = s.ending[:len(s.ending)-1]
		last()
	}
	for _, t := range s.owned {
		if t.owner == s {
			t.free()
		}
	}
	s.owned = nil
	s.watch.end()
}

// Keep passes t to the parent scope, so that it outlives s, and returns it. In a root scope it does
// nothing.
func (s *Scope) Keep(t *Tensor) *Tensor {
	if t == nil || s.parent == nil || t.owner != s || invariants && s.misuse("keep", t) != nil {
		return t
	}
	t.owner = s.parent
	s.parent.owned = append(s.parent.owned, t)
	return t
}

// Free releases tensors before their scope ends. The graph keeps the values that it needs, so a
// forward pass can free each activation as soon as the next one exists, and memory stays at what
// the backward pass needs.
func (s *Scope) Free(ts ...*Tensor) {
	if invariants && s.misuse("free") != nil {
		return
	}
	for _, t := range ts {
		if t != nil {
			t.free()
		}
	}
}

// Err returns the first error of an operation in s, or nil.
func (s *Scope) Err() error { return s.err }

// Fail sets the scope's error unless it already has one.
func (s *Scope) Fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Context returns the context that Run was given.
func (s *Scope) Context() context.Context { return s.ctx }

// own takes ownership of a handle that libtorch created.
func (s *Scope) own(c lib.Ctensor) *Tensor {
	countLive(1)
	t := &Tensor{c: c, owner: s, made: here()}
	s.owned = append(s.owned, t)
	return t
}

// ready reports whether an operation may proceed: no error so far, and every input alive.
func (s *Scope) ready(op string, inputs ...*Tensor) bool {
	if invariants && s.misuse(op, inputs...) != nil {
		return false
	}
	if s.err != nil {
		return false
	}
	for i, t := range inputs {
		if t == nil {
			s.Fail(fmt.Errorf("autograd: %s: input %d is nil", op, i))
			return false
		}
		if t.c == nil {
			s.Fail(fmt.Errorf("autograd: %s: input %d%s: %w", op, i, t.history(), ErrFreed))
			return false
		}
	}
	return true
}

// op calls a gotch function that stores a new handle, and takes the handle or the error.
func (s *Scope) op(name string, inputs []*Tensor, call func(out *lib.Ctensor)) *Tensor {
	if !s.ready(name, inputs...) {
		return nil
	}
	var out lib.Ctensor
	call(&out)
	if err := lastError(); err != nil {
		s.Fail(opError(name, inputs, err))
		return nil
	}
	return s.own(out)
}

// inPlace is op for functions that return another handle of their first input.
func (s *Scope) inPlace(name string, x *Tensor, call func(out *lib.Ctensor)) *Tensor {
	if !s.ready(name, x) {
		return nil
	}
	var out lib.Ctensor
	call(&out)
	if err := lastError(); err != nil {
		s.Fail(opError(name, []*Tensor{x}, err))
		return nil
	}
	lib.AtFree(out)
	return x
}

// made takes a handle and an error from package native.
func (s *Scope) made(name string, inputs []*Tensor, c native.Tensor, err error) *Tensor {
	if err != nil {
		s.Fail(opError(name, inputs, err))
		return nil
	}
	return s.own(lib.Ctensor(c))
}
