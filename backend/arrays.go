package backend

import (
	"depthwise.dev/autograd"
	"depthwise.dev/checkpoints"
)

// HostArrays copies float32 tensors to the host, with a prefix before their names.
func HostArrays(s *autograd.Scope, prefix string, tensors []autograd.Named) ([]checkpoints.Array, error) {
	arrays := make([]checkpoints.Array, len(tensors))
	for i, n := range tensors {
		values := autograd.ToSlice[float32](s, n.Tensor)
		if s.Err() != nil {
			return nil, s.Err()
		}
		shape := make([]int, 0, 4)
		for _, d := range n.Tensor.Shape() {
			shape = append(shape, int(d))
		}
		a, err := checkpoints.NewArray(prefix+n.Name, values, shape...)
		if err != nil {
			return nil, err
		}
		arrays[i] = a
	}
	return arrays, nil
}

// Tensor copies a float32 array to a tensor on the CPU.
func Tensor(s *autograd.Scope, a checkpoints.Array) (*autograd.Tensor, error) {
	values, err := checkpoints.Values[float32](a)
	if err != nil {
		return nil, err
	}
	shape := make([]int64, 0, 4)
	for _, d := range a.Data.Shape() {
		shape = append(shape, int64(d))
	}
	return autograd.FromSlice(s, values, shape...), s.Err()
}
