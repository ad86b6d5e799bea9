package native

// #include <stdlib.h>
// #include "graph.h"
import "C"

import (
	"math"
	"unsafe"
)

// GradMode reports whether operations of this thread are recorded.
func GradMode() bool { return C.dw_grad_mode() != 0 }

// RequiresGrad reports whether gradients flow to x.
func RequiresGrad(x Tensor) bool { return C.dw_requires_grad(C.dw_tensor(x)) != 0 }

// IsLeaf reports whether x is no operation's result.
func IsLeaf(x Tensor) bool { return C.dw_is_leaf(C.dw_tensor(x)) != 0 }

// SetRequiresGrad sets whether gradients flow to a leaf.
func SetRequiresGrad(x Tensor, on bool) error {
	return take(C.dw_set_requires_grad(C.dw_tensor(x), truth(on)))
}

// Passes are the options of a backward pass.
type Passes struct{ Retain, Create bool }

// Backward runs the backward pass from outputs, weighted by weights of which each may be nil, to
// all leaves.
func Backward(outputs, weights []Tensor, p Passes) error {
	var failure C.uintptr_t
	e := C.dw_backward(first(outputs), first(weights), count(outputs), truth(p.Retain), truth(p.Create), &failure)
	return taken(e, failure)
}

// Grad returns the gradients at inputs, nil at those that no output depends on, which is an error
// unless unused is set.
func Grad(outputs, weights, inputs []Tensor, p Passes, unused bool) ([]Tensor, error) {
	grads := make([]Tensor, len(inputs))
	var failure C.uintptr_t
	e := C.dw_grad(first(grads), first(outputs), first(weights), count(outputs), first(inputs), count(inputs), truth(p.Retain), truth(p.Create),
		truth(unused), &failure)
	return grads, taken(e, failure)
}

// RegisterHook calls f with each gradient of x; a tensor that f returns replaces the gradient. The
// position is for RemoveHook.
func RegisterHook(x Tensor, f Callback) (position uint, err error) {
	var p C.uint
	err = take(C.dw_register_hook(&p, C.dw_tensor(x), held(f)))
	return uint(p), err
}

// RemoveHook removes a hook that RegisterHook added.
func RemoveHook(x Tensor, position uint) error {
	return take(C.dw_remove_hook(C.dw_tensor(x), C.uint(position)))
}

// Neither marks a saved tensor as neither an input nor a result.
const Neither = math.MinInt32

// Function is an application of an operation whose backward pass is Go.
type Function struct {
	Name     string
	Inputs   []Tensor
	Results  []Tensor // as computed, outside any graph
	Saved    []Tensor
	Source   []int32 // of each saved tensor: k >= 0 is input k, -1-k is result k, or Neither
	Record   bool    // record a graph
	Backward Callback
}

// Apply returns the results of f as parts of the graph. Its callback receives the gradients of the
// results and the saved tensors, and returns the gradients of the inputs.
func Apply(f Function) ([]Tensor, error) {
	name := C.CString(f.Name)
	defer C.free(unsafe.Pointer(name))
	out := make([]Tensor, len(f.Results))
	err := take(C.dw_apply(first(out), first(f.Results), count(f.Results), first(f.Inputs), count(f.Inputs), first(f.Saved),
		(*C.int)(unsafe.SliceData(f.Source)), count(f.Saved), name, held(f.Backward), truth(f.Record)))
	return out, err
}

// CheckpointState is the state before a checkpoint's function runs. End releases it.
type CheckpointState struct{ c *C.dw_checkpoint_state }

// BeginCheckpoint records the state: the position in this thread's graph, and the states of the
// generators of the inputs' devices.
func BeginCheckpoint(inputs []Tensor) (CheckpointState, error) {
	var b CheckpointState
	err := take(C.dw_checkpoint_begin(&b.c, first(inputs), count(inputs)))
	return b, err
}

// End releases what BeginCheckpoint recorded.
func (b CheckpointState) End() { C.dw_checkpoint_end(b.c) }

// Checkpoint returns y without the part of its graph made since b. The backward pass recomputes
// that part, with the same random numbers, by calling f, which receives the inputs and returns y.
func Checkpoint(y Tensor, inputs []Tensor, b CheckpointState, f Callback) (Tensor, error) {
	var out C.dw_tensor
	err := take(C.dw_checkpoint(&out, C.dw_tensor(y), first(inputs), count(inputs), b.c, held(f)))
	return Tensor(out), err
}

func truth(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
