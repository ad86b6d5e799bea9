package autograd

import (
	"errors"
	"fmt"

	"depthwise.dev/autograd/native"
)

// A Readback holds numbers that a device may still be computing. It belongs to no scope: Values or Discard frees it.
type Readback struct {
	values []float64        // if the host has them
	late   *native.Readback // otherwise
	n      int              // count of numbers in late
}

// Known returns a Readback of numbers that the host has.
func Known(values ...float64) *Readback { return &Readback{values: values} }

// ReadLater begins to copy the elements of tensors, which are on one device, one tensor after another. On a GPU the
// host does not wait; on the CPU they are ready at once.
func (s *Scope) ReadLater(tensors ...*Tensor) *Readback {
	const name = "read later"
	if !s.ready(name, tensors...) {
		return nil
	}
	if len(tensors) == 0 {
		return Known()
	}
	n := 0
	for _, t := range tensors {
		n += int(t.Numel())
	}
	late, err := native.ReadLater(handles(tensors))
	if err != nil {
		s.Fail(opError(name, tensors, err))
		return nil
	}
	r := &Readback{late: &late, n: n}
	if tensors[0].Device() != CPU {
		return r
	}
	values, err := r.Values()
	if err != nil {
		s.Fail(err)
		return nil
	}
	return Known(values...)
}

// Ready reports whether Values would not wait. An error of the device is ready: Values returns it.
func (r *Readback) Ready() bool {
	if r.late == nil {
		return true
	}
	ready, err := r.late.Ready()
	return ready || err != nil
}

// Values waits for the numbers and returns them, once. An error may be that of any operation which the device has
// computed since the last one was reported.
func (r *Readback) Values() ([]float64, error) {
	if r.late == nil {
		if r.values == nil && r.n > 0 {
			return nil, errors.New("autograd: values that were read or discarded before")
		}
		return r.values, nil
	}
	values := make([]float64, r.n)
	err := r.late.Values(values)
	r.Discard()
	if err != nil {
		return nil, fmt.Errorf("autograd: read values from the device: %w", opError("read later", nil, err))
	}
	return values, nil
}

// Discard frees a Readback whose values are not needed.
func (r *Readback) Discard() {
	if r.late != nil {
		r.late.Free()
	}
	r.late, r.values = nil, nil
}
