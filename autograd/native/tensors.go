package native

// #include "native.h"
import "C"

import "unsafe"

// ChannelsLast returns x as a new tensor in channels-last memory order; x has four dimensions.
func ChannelsLast(x Tensor) (Tensor, error) {
	var out C.dw_tensor
	err := take(C.dw_channels_last(&out, C.dw_tensor(x)))
	return Tensor(out), err
}

// Copy writes src into dst, converting type, device and layout, outside any graph.
func Copy(dst, src Tensor) error { return take(C.dw_copy(C.dw_tensor(dst), C.dw_tensor(src))) }

// FromHost returns a new CPU tensor with a copy of the row-major data, whose size the caller has
// checked.
func FromHost(data unsafe.Pointer, shape []int64, dtype int) (Tensor, error) {
	var out C.dw_tensor
	err := take(C.dw_from_host(&out, data, (*C.int64_t)(unsafe.SliceData(shape)), C.int(len(shape)), C.int(dtype)))
	return Tensor(out), err
}

// ToHost copies x to data in row-major order; the caller has checked its size.
func ToHost(data unsafe.Pointer, x Tensor) error { return take(C.dw_to_host(data, C.dw_tensor(x))) }

// Gradient returns a new handle of a leaf's gradient, nil if it has none.
func Gradient(x Tensor) (Tensor, error) {
	var out C.dw_tensor
	err := take(C.dw_gradient(&out, C.dw_tensor(x)))
	return Tensor(out), err
}

// SetGradient makes a gradient that of a leaf.
func SetGradient(leaf, gradient Tensor) error {
	return take(C.dw_set_gradient(C.dw_tensor(leaf), C.dw_tensor(gradient)))
}

// ClearGradients releases the gradients of all xs, so that the next backward pass stores instead of
// adding.
func ClearGradients(xs []Tensor) error { return take(C.dw_clear_gradients(first(xs), count(xs))) }

// NormalizeImages converts n*h*w*3 bytes (NHWC, RGB) to a (n, 3, h, w) float32 channels-last
// tensor, (v/255 - mean) / std.
func NormalizeImages(pixels []uint8, n, h, w int, mean, std [3]float64) (Tensor, error) {
	var out C.dw_tensor
	err := take(C.dw_normalize_images(&out, (*C.uint8_t)(unsafe.SliceData(pixels)), C.int64_t(n), C.int64_t(h), C.int64_t(w),
		(*C.double)(&mean[0]), (*C.double)(&std[0])))
	return Tensor(out), err
}
