package autograd

import (
	"fmt"
	"unsafe"

	"depthwise.dev/autograd/native"
)

// Upload copies data, row-major, into a new tensor of the given shape on a device. To a GPU it is copied ahead of the
// operations that were called before, and the host does not wait for them: data may be changed when it returns.
func Upload[T Element](s *Scope, data []T, dev Device, shape ...int64) *Tensor {
	const name = "upload"
	if !s.ready(name) {
		return nil
	}
	if err := checkCount(len(data), shape); err != nil {
		s.Fail(fmt.Errorf("autograd: %s: %w", name, err))
		return nil
	}
	c, err := native.Upload(unsafe.Pointer(unsafe.SliceData(data)), shape, int(dtypeOf[T]()), int(dev))
	return s.made(name, nil, c, err)
}
