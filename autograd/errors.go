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

// opError adds the operation and its inputs to an error, and removes libtorch's C++ stack from the
// message. Errors of Go functions that libtorch called are wrapped unchanged.
func opError(name string, inputs []*Tensor, err error) error {
	text, _, _ := strings.Cut(err.Error(), "\nException raised from")
	if text = strings.TrimSpace(text); text != err.Error() {
		err = errors.New(text)
	}
	given := make([]string, len(inputs))
	for i, t := range inputs {
		given[i] = t.String()
	}
	return fmt.Errorf("autograd: %s(%s): %w", name, strings.Join(given, ", "), err)
}
