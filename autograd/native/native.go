// Package native is the C++ part of autograd: what libtorch can do and gotch has no function for,
// behind a C interface whose errors are return values. cmd/setup compiles it to a shared library
// (in seconds) and writes the files of this folder that git ignores: setup.h, and zz_setup.go with
// the linker's flags.
//
// The C++ sources are in a folder per family: backbone, inference, pointwise, depthwise, stem,
// pool, gemm and isa hold the fused kernels (fused.h is their contract), update the optimizers,
// loss the cross entropy, linear the head in training, threads the kernels' threads, graph autograd's graph, tensors memory and copies, peaks the processor's
// peak performance, cuda the kernels for GPUs and their layers, distributed groups of processes and what they compute together.
// Headers that cgo reads are beside the Go files.
//
// Tensors are passed as the pointers that gotch hands out; package autograd, the only user, keeps
// them alive during a call.
package native

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

// take converts a message of the C++ side to a Go error and releases it.
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
