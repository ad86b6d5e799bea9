package oracle

import (
	"fmt"

	"gorgonia.org/tensor"
)

// Array is a host tensor in float64, row-major.
type Array struct {
	Shape []int64
	Data  []float64
}

// Size is the number of elements of a shape.
func Size(shape []int64) int {
	n := 1
	for _, d := range shape {
		n *= int(d)
	}
	return n
}

// Full is an array of one value.
func Full(v float64, shape ...int64) Array {
	a := Array{Shape: shape, Data: make([]float64, Size(shape))}
	for i := range a.Data {
		a.Data[i] = v
	}
	return a
}

// dense copies a into a gorgonia tensor.
func (a Array) dense() (*tensor.Dense, error) {
	if len(a.Shape) == 0 || Size(a.Shape) != len(a.Data) {
		return nil, fmt.Errorf("shape %v does not fit %d values", a.Shape, len(a.Data))
	}
	shape := make([]int, len(a.Shape))
	for i, d := range a.Shape {
		shape[i] = int(d)
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(append([]float64(nil), a.Data...))), nil
}

// arrayOf copies a gorgonia value of any strides.
func arrayOf(v any) (Array, error) {
	d, ok := v.(*tensor.Dense)
	if !ok {
		return Array{}, fmt.Errorf("the value is a %T, not a tensor", v)
	}
	data, err := values(d)
	if err != nil {
		return Array{}, err
	}
	a := Array{Data: append([]float64(nil), data...)}
	for _, n := range d.Shape() {
		a.Shape = append(a.Shape, int64(n))
	}
	return a, nil
}

// values are d's elements in row-major order: its own memory if it is stored in that order.
func values(d *tensor.Dense) ([]float64, error) {
	if !d.DataOrder().IsRowMajor() || d.RequiresIterator() {
		contiguous, ok := d.Materialize().(*tensor.Dense)
		if !ok {
			return nil, fmt.Errorf("a view of shape %v cannot be copied", d.Shape())
		}
		d = contiguous
	}
	data, ok := d.Data().([]float64)
	if !ok {
		return nil, fmt.Errorf("the tensor holds %v, not float64", d.Dtype())
	}
	return data, nil
}
