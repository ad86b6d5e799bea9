package autograd

// #include <stdlib.h>
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	lib "github.com/sugarme/gotch/libtch"
)

// lastError returns and clears the error that gotch's C++ side left in its thread-local variable.
// It is the error of the last call only because the goroutine is pinned to its thread.
func lastError() error {
	c := unsafe.Pointer(lib.GetAndResetLastErr())
	if c == nil {
		return nil
	}
	defer C.free(c)
	return errors.New(C.GoString((*C.char)(c)))
}

// nativeAdvice begins what libtorch appends to messages: the C++ stack, and advice for programs in Python.
var nativeAdvice = []string{"\nException raised from", "\nSearch for `cuda", "\nCUDA kernel errors might be asynchronously", "\nDevice-side assert", "\nCompile with `TORCH_USE_CUDA_DSA`"}

// opError adds the operation and its inputs to an error, and removes libtorch's C++ stack from the
// message. Memory that is used up is an [OutOfMemoryError]. Errors of Go functions that libtorch called are wrapped unchanged.
func opError(name string, inputs []*Tensor, err error) error {
	err = plain(err)
	if memory := parseOutOfMemory(err.Error()); memory != nil {
		err = memory
	}
	given := make([]string, len(inputs))
	for i, t := range inputs {
		given[i] = t.String()
	}
	return fmt.Errorf("autograd: %s(%s): %w", name, strings.Join(given, ", "), err)
}

// plain removes libtorch's C++ stack and advice from the message of an error.
func plain(err error) error {
	text := err.Error()
	for _, end := range nativeAdvice {
		text, _, _ = strings.Cut(text, end)
	}
	if text = strings.TrimSpace(text); text != err.Error() {
		return errors.New(text)
	}
	return err
}
