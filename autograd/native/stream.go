package native

// #include "stream.h"
import "C"

import (
	"unsafe"
)

// Upload returns a new tensor on a device with a copy of the row-major data, whose size the caller has checked. The
// host does not wait for a GPU.
func Upload(data unsafe.Pointer, shape []int64, dtype, device int) (Tensor, error) {
	var out C.dw_tensor
	err := take(C.dw_upload(&out, data, (*C.int64_t)(unsafe.SliceData(shape)), C.int(len(shape)), C.int(dtype), C.int(device)))
	return Tensor(out), err
}

// A Readback is values of tensors on their way to the host. Free releases it.
type Readback struct{ c *C.dw_readback }

// ReadLater begins to copy the elements of tensors on one device.
func ReadLater(xs []Tensor) (Readback, error) {
	var r Readback
	err := take(C.dw_read_later(&r.c, first(xs), count(xs)))
	return r, err
}

// Ready reports whether the values have arrived.
func (r Readback) Ready() (bool, error) {
	var ready C.int
	err := take(C.dw_readback_ready(&ready, r.c))
	return ready != 0, err
}

// Values waits for the values, as many as there are places.
func (r Readback) Values(values []float64) error {
	return take(C.dw_readback_values((*C.double)(unsafe.SliceData(values)), C.int(len(values)), r.c))
}

// Free releases the memory.
func (r Readback) Free() { C.dw_readback_free(r.c) }

// CountCorrect returns the number of rows of logits whose largest is that of the label, as a scalar.
func CountCorrect(logits, labels Tensor) (Tensor, error) {
	var out C.dw_tensor
	err := take(C.dw_count_correct(&out, C.dw_tensor(logits), C.dw_tensor(labels)))
	return Tensor(out), err
}

// ExactMatches returns the number of rows of logits that are above 0 where targets are above 0.5, and only there, as a
// scalar.
func ExactMatches(logits, targets Tensor) (Tensor, error) {
	var out C.dw_tensor
	err := take(C.dw_exact_matches(&out, C.dw_tensor(logits), C.dw_tensor(targets)))
	return Tensor(out), err
}

// NormalizePixels is NormalizeImages of a uint8 tensor (n, h, w, 3), on its device.
func NormalizePixels(pixels Tensor, mean, std [3]float64) (Tensor, error) {
	var out C.dw_tensor
	err := take(C.dw_normalize_pixels(&out, C.dw_tensor(pixels), (*C.double)(&mean[0]), (*C.double)(&std[0])))
	return Tensor(out), err
}
