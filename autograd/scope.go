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
var ErrFreed = errors.New("tensor is used after its scope has ended; hand it to the parent with Keep")

// A Scope owns tensors and carries the first error. The zero value is of no use; see Run.
type Scope struct {
	watch   watch // under the tag invariants
	ctx     context.Context
	parent  *Scope
	owned   []*Tensor
	err     error
	compute DType // what Conv2d and Linear compute in; Float32 means: in what they are given
	again   bool  // a checkpoint computes something once more: statistics are not to move again
}

// Run calls f with a new root scope on one pinned OS thread, and frees everything the scope owns on return or panic.
// It returns f's error, else the first error of an operation in the scope, else ctx's error if ctx ended before f ran.
func Run(ctx context.Context, f func(*Scope) error) error {
	runtime.LockOSThread() // libtorch keeps its modes, its thread pool and gotch its last error by thread
	defer runtime.UnlockOSThread()
	if err := ctx.Err(); err != nil {
		return err
	}
	s := &Scope{watch: newWatch(), ctx: ctx, compute: Float32}
	return s.watch.verdict(s.run(f))
}

// Sub calls f with a scope within s, which ends when f does. The error is f's, else the first of an operation in f; s
// itself stays usable.
func (s *Scope) Sub(f func(*Scope) error) error {
	if err := s.enter("sub"); err != nil {
		return err
	}
	return s.child().run(f)
}

// NoGrad is Sub with the recording of operations switched off, as torch.no_grad; afterwards the mode is what it was.
func (s *Scope) NoGrad(f func(*Scope) error) error {
	if err := s.enter("no grad"); err != nil {
		return err
	}
	previous := lib.AtGradSetEnabled(0)
	defer lib.AtGradSetEnabled(previous & 1)
	return s.child().run(f)
}

// Autocast is Sub with Conv2d and Linear computing in the given type, as torch.autocast: their inputs and weights are
// converted on the way in; batch norm, losses and parameters stay as they are. Float32 switches it off.
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

// enter is the error that keeps a scope from being opened within s, nil if there is none.
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

func (s *Scope) free() {
	for _, t := range s.owned {
		if t.owner == s {
			t.free()
		}
	}
	s.owned = nil
	s.watch.end()
}

// Keep hands t to the parent scope, so that it outlives s, and returns it. In a root scope it does nothing.
func (s *Scope) Keep(t *Tensor) *Tensor {
	if t == nil || s.parent == nil || t.owner != s || invariants && s.misuse("keep", t) != nil {
		return t
	}
	t.owner = s.parent
	s.parent.owned = append(s.parent.owned, t)
	return t
}

// Free ends tensors before their scope does. A graph that needs their values keeps those alive by itself, so a forward
// pass frees each activation as soon as the next is there and memory stays at what the backward pass needs.
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

// Err is the first error of an operation in s, nil if there was none.
func (s *Scope) Err() error { return s.err }

// Fail makes err the scope's error unless it has one already.
func (s *Scope) Fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Context is what Run was given.
func (s *Scope) Context() context.Context { return s.ctx }

// own takes over a handle that libtorch has made.
func (s *Scope) own(c lib.Ctensor) *Tensor {
	countLive(1)
	t := &Tensor{c: c, owner: s, made: here()}
	s.owned = append(s.owned, t)
	return t
}

// ready reports whether an operation may go on: no error so far, every input alive.
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

// op calls one of gotch's functions, which store a new handle, and takes the handle or the error.
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

// inPlace is op for functions that return the handle of their first input once more.
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
