package autograd

import (
	"fmt"
	"math"
	"unsafe"

	"depthwise.dev/autograd/native"
)

// Element is a Go type that tensors can be created from and copied to.
type Element interface {
	float32 | float64 | int64 | int32 | uint8 | bool
}

func dtypeOf[T Element]() DType {
	var zero T
	switch any(zero).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int64:
		return Int64
	case int32:
		return Int32
	case uint8:
		return Uint8
	}
	return Bool
}

// FromSlice copies data, row-major, into a new CPU tensor of the given shape; without a shape it
// creates a scalar.
func FromSlice[T Element](s *Scope, data []T, shape ...int64) *Tensor {
	if !s.ready("from slice") {
		return nil
	}
	if err := checkCount(len(data), shape); err != nil {
		s.Fail(fmt.Errorf("autograd: from slice: %w", err))
		return nil
	}
	c, err := native.FromHost(unsafe.Pointer(unsafe.SliceData(data)), shape, int(dtypeOf[T]()))
	return s.made("from slice", nil, c, err)
}

// ToSlice returns t's values in row-major order, converting type and device; nil after a failure.
func ToSlice[T Element](s *Scope, t *Tensor) []T {
	var out []T
	err := s.Sub(func(s *Scope) error {
		host := s.To(t, dtypeOf[T]())
		if !s.ready("to slice", host) {
			return s.Err()
		}
		out = make([]T, host.Numel())
		return native.ToHost(unsafe.Pointer(unsafe.SliceData(out)), native.Tensor(host.c))
	})
	if err != nil {
		s.Fail(err)
		return nil
	}
	return out
}

// CopyFromSlice overwrites t's values with the row-major data, keeping its type, device and layout.
// It is not recorded in a graph.
func CopyFromSlice[T Element](s *Scope, t *Tensor, data []T) {
	err := s.Sub(func(s *Scope) error {
		source := FromSlice(s, data, t.Shape()...)
		s.Copy(t, source)
		return s.Err()
	})
	if err != nil {
		s.Fail(err)
	}
}

// Copy overwrites dst's values with src's, converting type and device. It is not recorded in a
// graph.
func (s *Scope) Copy(dst, src *Tensor) {
	if !s.ready("copy", dst, src) {
		return
	}
	if err := native.Copy(native.Tensor(dst.c), native.Tensor(src.c)); err != nil {
		s.Fail(opError("copy", []*Tensor{dst, src}, err))
	}
}

// Item returns the value of a tensor with one element; 0 after a failure.
func (s *Scope) Item(t *Tensor) float64 {
	values := ToSlice[float64](s, t)
	if len(values) != 1 {
		s.Fail(fmt.Errorf("autograd: item: want one element, have %v", t))
		return 0
	}
	return values[0]
}

// NormalizeImages converts n*h*w*3 bytes (NHWC, RGB) to network input on a device: (n, 3, h, w)
// float32, channels-last, (v/255 - mean) / std by channel.
func (s *Scope) NormalizeImages(pixels []uint8, n, h, w int, mean, std [3]float64, dev Device) *Tensor {
	if !s.ready("normalize images") {
		return nil
	}
	if err := checkCount(len(pixels), []int64{int64(n), int64(h), int64(w), 3}); err != nil {
		s.Fail(fmt.Errorf("autograd: normalize images: %w", err))
		return nil
	}
	c, err := native.NormalizeImages(pixels, n, h, w, mean, std)
	return s.ToDevice(s.made("normalize images", nil, c, err), dev)
}

func checkCount(have int, shape []int64) error {
	want := int64(1)
	for _, d := range shape {
		if d < 0 {
			return fmt.Errorf("shape %v has a negative dimension", shape)
		}
		if d > 0 && want > math.MaxInt64/d {
			return fmt.Errorf("shape %v has too many elements", shape)
		}
		want *= d
	}
	if int64(have) != want {
		return fmt.Errorf("shape %v has %d elements, the slice has %d", shape, want, have)
	}
	return nil
}
