package native

// #include <stdlib.h>
// #include "graph.h"
// extern dw_error dwGoCall(uintptr_t handle, dw_tensor *in, int n_in, dw_tensor *out, int n_out, uintptr_t *failure);
// extern void dwGoRelease(uintptr_t handle);
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// A Callback is Go code that libtorch calls during a backward pass. It owns the tensors in `in`,
// undefined ones being nil, and returns tensors that libtorch owns. It must not panic.
type Callback func(in []Tensor, out []Tensor) error

func init() { C.dw_set_callbacks(C.dw_call(C.dwGoCall), C.dw_release(C.dwGoRelease)) }

// held returns the handle by which C++ refers to a callback until it releases it.
func held(f Callback) C.uintptr_t { return C.uintptr_t(cgo.NewHandle(f)) }

//export dwGoCall
func dwGoCall(handle C.uintptr_t, in *C.dw_tensor, nIn C.int, out *C.dw_tensor, nOut C.int, failure *C.uintptr_t) C.dw_error {
	call := cgo.Handle(handle).Value().(Callback)
	err := call(unsafe.Slice((*Tensor)(in), int(nIn)), unsafe.Slice((*Tensor)(out), int(nOut)))
	if err == nil {
		return nil
	}
	*failure = C.uintptr_t(cgo.NewHandle(err))
	return C.CString(err.Error())
}

//export dwGoRelease
func dwGoRelease(handle C.uintptr_t) { cgo.Handle(handle).Delete() }

// taken is take for functions that may have called Go: it returns the error of that call unchanged.
func taken(e C.dw_error, failure C.uintptr_t) error {
	err := take(e)
	if failure == 0 {
		return err
	}
	handle := cgo.Handle(failure)
	defer handle.Delete()
	return handle.Value().(error)
}
