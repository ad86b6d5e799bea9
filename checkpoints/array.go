package checkpoints

import (
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"slices"

	"gorgonia.org/tensor"
)

// maxRank is NumPy's limit on the number of dimensions. It bounds what a header can request.
const maxRank = 64

// Element lists the element types of arrays: safetensors' F32, F64, I64, I32, U8 and BOOL.
type Element interface {
	float32 | float64 | int64 | int32 | uint8 | bool
}

// Array is a named array in host memory.
type Array struct {
	Name string
	Data *tensor.Dense
}

// NewArray returns an array of the given shape that shares data. Without a shape, it is a scalar
// (data has length 1); a dimension of 0 gives an array without elements. It returns ErrArray if the
// shape does not match the data.
func NewArray[T Element](name string, data []T, shape ...int) (Array, error) {
	dense, err := newDense(data, shape)
	if err != nil {
		return Array{}, fmt.Errorf("checkpoints: array %q: %w", name, err)
	}
	return Array{Name: name, Data: dense}, nil
}

// Values returns the elements of an array in row-major order. For a row-major array, as Read
// returns them, they are the array's memory and not a copy (except for scalars). It returns
// ErrArray for another element type.
func Values[T Element](a Array) ([]T, error) {
	values, err := flatten(a.Data)
	if err != nil {
		return nil, fmt.Errorf("checkpoints: array %q: %w", a.Name, err)
	}
	typed, ok := values.([]T)
	if !ok {
		return nil, fmt.Errorf("checkpoints: array %q: %w: it holds %T, wanted %T", a.Name, ErrArray, values, typed)
	}
	return typed, nil
}

func newDense[T Element](data []T, shape []int) (*tensor.Dense, error) {
	n, ok := elements(shape)
	if !ok || n != len(data) {
		return nil, fmt.Errorf("%w: %d elements do not match the shape %v", ErrArray, len(data), shape)
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data)), nil
}

// elements is the product of the dimensions; ok is false if one is negative, the product overflows,
// or there are too many.
func elements(shape []int) (n int, ok bool) {
	if len(shape) > maxRank {
		return 0, false
	}
	product := uint64(1)
	for _, d := range shape {
		high, low := bits.Mul64(product, uint64(d))
		if d < 0 || high != 0 || low > math.MaxInt {
			return 0, false
		}
		product = low
	}
	return int(product), true
}

// flatten returns the elements of d in row-major order, as a slice of one of the Element types.
func flatten(d *tensor.Dense) (any, error) {
	switch {
	case d == nil:
		return nil, fmt.Errorf("%w: the array is nil", ErrArray)
	case d.Dtype() == tensor.Float32:
		return flattenAs[float32](d)
	case d.Dtype() == tensor.Float64:
		return flattenAs[float64](d)
	case d.Dtype() == tensor.Int64:
		return flattenAs[int64](d)
	case d.Dtype() == tensor.Int32:
		return flattenAs[int32](d)
	case d.Dtype() == tensor.Uint8:
		return flattenAs[uint8](d)
	case d.Dtype() == tensor.Bool:
		return flattenAs[bool](d)
	}
	return nil, fmt.Errorf("%w: element type %v; float32, float64, int64, int32, uint8 and bool can be", ErrArray, d.Dtype())
}

func flattenAs[T Element](d *tensor.Dense) ([]T, error) {
	n, ok := elements(d.Shape())
	if !ok {
		return nil, fmt.Errorf("%w: shape %v", ErrArray, d.Shape())
	}
	if n == 0 {
		return []T{}, nil // Dense.Data would panic
	}
	if !isRowMajor(d) {
		if copied, isDense := d.Materialize().(*tensor.Dense); isDense {
			d = copied
		}
	}
	if !isRowMajor(d) {
		return nil, fmt.Errorf("%w: strides %v for shape %v; clone it into row-major order first", ErrArray, d.Strides(), d.Shape())
	}
	defer runtime.KeepAlive(d) // Dense.Data goes through a uintptr
	switch data := d.Data().(type) {
	case T:
		return []T{data}, nil
	case []T:
		if len(data) == n {
			return data, nil
		}
	}
	return nil, fmt.Errorf("%w: the memory does not match the shape %v", ErrArray, d.Shape())
}

func isRowMajor(d *tensor.Dense) bool {
	return d.IsScalar() || !d.RequiresIterator() && slices.Equal(d.Strides(), d.Shape().CalcStrides())
}
