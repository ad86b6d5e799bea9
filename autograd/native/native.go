// Package native is the C++ side of autograd: what libtorch can do and gotch has no function for, behind a C interface
// whose errors are return values. Set-up compiles it to a library of its own (seconds) and writes the files of this
// folder that git ignores: setup.h, and zz_setup.go with the linker's flags.
//
// Tensors are passed as the pointers that gotch hands out; package autograd, the only user, keeps them alive during a call.
package native

// #cgo CFLAGS: -I${SRCDIR}
// #include <stdlib.h>
// #include "setup.h" // missing: libtorch is not set up here; run: go run ./cmd/setup (in the folder of depthwise.dev)
// #include "native.h"
import "C"

import (
	"errors"
	"unsafe"
)

// Tensor is a pointer to an at::Tensor on the C++ heap.
type Tensor = unsafe.Pointer

func init() {
	C.dw_tune_allocator()
	C.dw_disable_stack_traces()
}

// take turns a message of the C++ side into a Go error and releases it.
func take(e C.dw_error) error {
	if e == nil {
		return nil
	}
	defer C.dw_free_error(e)
	return errors.New(C.GoString(e))
}

func count(ts []Tensor) C.int { return C.int(len(ts)) }

func first(ts []Tensor) *C.dw_tensor {
	return (*C.dw_tensor)(unsafe.SliceData(ts))
}
