package jpeg

// #include "worker.h"
import "C"

import (
	"fmt"
	"io/fs"
	"syscall"
	"unsafe"
)

// ReadFile reads a whole regular file of at most limit bytes into the decoder's memory, where it remains
// valid until the next ReadFile or Close. It never waits for a FIFO, and allocates nothing once its
// buffer has grown. Errors are *fs.PathError.
func (d *Decoder) ReadFile(path string, limit int64) ([]byte, error) {
	if d.worker == nil {
		return nil, ErrClosed
	}
	d.path = append(append(d.path[:0], path...), 0)
	code := C.dw_read_file(d.worker, (*C.char)(unsafe.Pointer(&d.path[0])), C.int64_t(limit))
	if code != 0 {
		return nil, &fs.PathError{Op: "read", Path: path, Err: readError(code, limit)}
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(d.worker.file.data)), int(d.worker.read)), nil
}

func readError(code C.int, limit int64) error {
	switch code {
	case C.dw_not_regular:
		return ErrNotRegular
	case C.dw_too_large:
		return fmt.Errorf("%w: more than %d MB", ErrTooLarge, limit>>20)
	}
	return syscall.Errno(code)
}
