package autograd

import (
	"context"
	"fmt"
	"runtime/debug"

	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// PanicError is a panic in a function that libtorch called: a hook, the backward pass of a
// [Function], or a checkpoint's function. It cannot unwind libtorch's frames, so it becomes an
// error of the pass.
type PanicError struct {
	Value any
	Stack []byte
}

// Error is the text of the panic.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the panic's value if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// caller holds what a function that libtorch calls later needs of the scope that it was registered
// in.
type caller struct {
	ctx     context.Context
	watch   watch
	compute DType
	again   bool
}

func (s *Scope) caller() caller {
	return caller{ctx: s.ctx, watch: s.watch, compute: s.compute, again: s.again}
}

// callback wraps a function for libtorch to call: in a scope of its own, which owns the given
// tensors, with errors and panics returned. f's results are passed to libtorch; nil means "none".
func (c caller) callback(name string, f func(s *Scope, in []*Tensor) []*Tensor) native.Callback {
	return func(given, out []native.Tensor) (err error) {
		s := &Scope{watch: c.watch.onThisThread(), ctx: c.ctx, compute: c.compute, again: c.again}
		defer func() {
			if v := recover(); v != nil {
				err = &PanicError{Value: v, Stack: debug.Stack()}
			}
			if err != nil {
				err = fmt.Errorf("autograd: %s: %w", name, err)
			}
		}()
		return s.run(func(s *Scope) error {
			in := make([]*Tensor, len(given))
			for i, t := range given {
				if t != nil {
					in[i] = s.own(lib.Ctensor(t))
				}
			}
			results := f(s, in)
			if s.err == nil && len(results) != len(out) {
				return fmt.Errorf("%d results, want %d", len(results), len(out))
			}
			for i, t := range results {
				if t != nil && s.ready("result", t) {
					out[i] = native.Tensor(lib.AtShallowClone(t.c))
				}
			}
			return s.err
		})
	}
}

// handles returns the tensors' libtorch handles.
func handles(ts []*Tensor) []native.Tensor {
	list := make([]native.Tensor, len(ts))
	for i, t := range ts {
		if t != nil {
			list[i] = native.Tensor(t.c)
		}
	}
	return list
}

// clones returns new handles of the tensors, owned by s.
func (s *Scope) clones(ts []*Tensor) []*Tensor {
	list := make([]*Tensor, len(ts))
	for i, t := range ts {
		list[i] = s.own(lib.AtShallowClone(t.c))
	}
	return list
}
