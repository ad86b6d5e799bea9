package autograd

import (
	"fmt"
	"slices"
	"strings"

	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// A Function is an operation with a custom backward pass: torch.autograd.Function. [Scope.Apply]
// applies it.
//
// Both methods work in the scope that they are given; errors go to that scope. Panics of Backward
// become errors of the pass ([PanicError]). Backward must not end its goroutine (runtime.Goexit,
// t.FailNow): libtorch's frames are below it on the stack. A Backward made of differentiable
// operations can itself be differentiated ([GradOptions].CreateGraph).
type Function interface {
	// Forward computes the results; its operations are not recorded.
	Forward(ctx *FunctionCtx, s *Scope, inputs []*Tensor) []*Tensor
	// Backward returns the gradients of the inputs, one for each, nil for "none", given the
	// gradients of the results.
	Backward(ctx *FunctionCtx, s *Scope, gradients []*Tensor) []*Tensor
}

// FunctionCtx carries one application of a [Function] from Forward to Backward. Constants are the
// Function's own fields; tensors are saved here, where libtorch detects in-place changes before
// Backward.
type FunctionCtx struct {
	saved []*Tensor
	needs []bool
}

// SaveForBackward saves tensors for Backward: inputs, results, or others. Call it once, in Forward.
func (c *FunctionCtx) SaveForBackward(tensors ...*Tensor) { c.saved = tensors }

// SavedTensors returns, in Backward, the tensors that SaveForBackward was given, in order.
func (c *FunctionCtx) SavedTensors() []*Tensor { return c.saved }

// NeedsInputGrad reports whether the gradient of input i is needed; if not, Backward may return nil
// for it.
func (c *FunctionCtx) NeedsInputGrad(i int) bool { return i >= 0 && i < len(c.needs) && c.needs[i] }

// Apply returns the results of a function as parts of the graph.
func (s *Scope) Apply(f Function, inputs ...*Tensor) []*Tensor {
	kind := strings.TrimPrefix(fmt.Sprintf("%T", f), "*")
	name := "function " + kind
	if !s.ready(name, inputs...) {
		return nil
	}
	record := native.GradMode()
	var results []*Tensor
	err := s.NoGrad(func(inner *Scope) error {
		ctx := &FunctionCtx{needs: make([]bool, len(inputs))}
		for i, t := range inputs {
			ctx.needs[i] = record && t.RequiresGrad()
		}
		raw := f.Forward(ctx, inner, inputs)
		if !inner.ready(name+": result", raw...) || !inner.ready(name+": saved tensor", ctx.saved...) {
			return inner.err
		}
		call := inner.caller().callback(name, func(s *Scope, in []*Tensor) []*Tensor {
			n := len(raw)
			return f.Backward(&FunctionCtx{saved: in[n:], needs: ctx.needs}, s, in[:n])
		})
		made, err := native.Apply(native.Function{Name: kind, Inputs: handles(inputs), Results: handles(raw), Saved: handles(ctx.saved),
			Source: sources(ctx.saved, inputs, raw), Record: record, Backward: call})
		if err != nil {
			return opError(name, inputs, err)
		}
		for _, c := range made {
			results = append(results, s.own(lib.Ctensor(c)))
		}
		return nil
	})
	if err != nil {
		s.Fail(err)
		return nil
	}
	return results
}

// sources returns, for each saved tensor, which input or result it is.
func sources(saved, inputs, results []*Tensor) []int32 {
	list := make([]int32, len(saved))
	for i, t := range saved {
		list[i] = native.Neither
		if k := slices.Index(results, t); k >= 0 {
			list[i] = int32(-1 - k)
		}
		if k := slices.Index(inputs, t); k >= 0 {
			list[i] = int32(k)
		}
	}
	return list
}
