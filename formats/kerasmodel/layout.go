package kerasmodel

import (
	"errors"
	"fmt"
	"slices"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/hdf5"
)

// ErrMisfit is returned when arrays of a file are not those of the model.
var ErrMisfit = errors.New("the arrays do not fit the network")

// dataset is the variable with the values of the graph's array, in Keras' layout.
func (v Variable) dataset(values Arrays) *hdf5.Dataset {
	return &hdf5.Dataset{Shape: v.Shape, Values: func() ([]float32, error) {
		a, ok := values[v.Array]
		if !ok || len(a) != size(v.Shape) {
			return nil, fmt.Errorf("array %q has %d values, want %d", v.Array, len(a), size(v.Shape))
		}
		return v.toKeras(a), nil
	}}
}

// axes are positions (rows times columns), inputs and outputs of a kernel. A depthwise kernel has one input, as the graph's
// array; Keras' axes of channels and multiplier together are its outputs.
func (v Variable) axes() (positions, in, out int) {
	switch s := v.Shape; {
	case len(s) == 2:
		return 1, s[0], s[1]
	case len(s) == 4 && v.depthwise:
		return s[0] * s[1], 1, s[2] * s[3]
	case len(s) == 4:
		return s[0] * s[1], s[2], s[3]
	}
	return 1, 1, size(v.Shape)
}

// toKeras brings a kernel from (out, in, rows, columns) to (rows, columns, in, out).
func (v Variable) toKeras(own []float32) []float32 {
	positions, in, out := v.axes()
	if in == 1 && positions == 1 {
		return own
	}
	result := make([]float32, len(own))
	for o := range out {
		for i := range in {
			for p := range positions {
				result[(p*in+i)*out+o] = own[(o*in+i)*positions+p]
			}
		}
	}
	return result
}

// fromKeras is the inverse of toKeras.
func (v Variable) fromKeras(file []float32) []float32 {
	positions, in, out := v.axes()
	if in == 1 && positions == 1 {
		return file
	}
	result := make([]float32, len(file))
	for o := range out {
		for i := range in {
			for p := range positions {
				result[(o*in+i)*positions+p] = file[(p*in+i)*out+o]
			}
		}
	}
	return result
}

// size is the number of elements.
func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Read returns the graph's arrays from the datasets of a file that [Model.Weights] or [Model.Whole] describes, by path.
func (m *Model) Read(datasets map[string]hdf5.Array) ([]checkpoints.Array, error) {
	variables := map[string]hdf5.Array{}
	layouts := map[string]Variable{}
	used := 0
	for i, name := range m.storeNames() {
		l := m.Layers[i]
		for n, v := range l.Variables {
			paths := []string{fmt.Sprintf("layers/%s/vars/%d", name, n), fmt.Sprintf("model_weights/%s/%s/%s", l.Name, l.Name, v.Name)}
			j := slices.IndexFunc(paths, func(p string) bool { _, ok := datasets[p]; return ok })
			if j < 0 {
				return nil, fmt.Errorf("%w: it has no %s", ErrMisfit, paths[0])
			}
			a := datasets[paths[j]]
			if !slices.Equal(a.Shape, v.Shape) {
				return nil, fmt.Errorf("%w: %s has the shape %v, expected %v", ErrMisfit, paths[j], a.Shape, v.Shape)
			}
			used++
			variables[v.Array], layouts[v.Array] = a, v
		}
	}
	if used != len(datasets) {
		return nil, fmt.Errorf("%w: it has %d arrays, expected %d", ErrMisfit, len(datasets), used)
	}
	var list []checkpoints.Array
	for _, a := range m.graph.Arrays() {
		shape := make([]int, len(a.Shape))
		for i, d := range a.Shape {
			shape[i] = int(d)
		}
		array, err := checkpoints.NewArray(a.Name, layouts[a.Name].fromKeras(variables[a.Name].Values), shape...)
		if err != nil {
			return nil, err
		}
		list = append(list, array)
	}
	return list, nil
}
