package suite

import (
	"context"
	"fmt"
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
)

// Torch computes with libtorch: cases with autograd, whole networks with a backend.
type Torch struct {
	Parameters autograd.DType // of parameters and statistics
	Compute    autograd.DType // of activations and, within Autocast, of convolutions
	// Device is where it computes. Nil: the CPU.
	Device *autograd.Device
	// LossScale multiplies the loss of whole networks before the backward pass, and divides their gradients, of which
	// float16 rounds those below 6e-8 to zero. 0: 1.
	LossScale float64
}

// place moves a tensor to the engine's device.
func (t Torch) place(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	if t.Device == nil {
		return x
	}
	return s.ToDevice(x, *t.Device)
}

// like converts a tensor to the type and device of another.
func like(s *autograd.Scope, x, other *autograd.Tensor) *autograd.Tensor {
	return s.ToDevice(s.To(x, other.DType()), other.Device())
}

// activation is the type of the case's activations.
func (t Torch) activation(c Case) autograd.DType {
	if c.FullPrecision {
		return t.Parameters
	}
	return t.Compute
}

// autocast is the type for Autocast, where float32 means no casts.
func (t Torch) autocast(compute autograd.DType) autograd.DType {
	if compute == autograd.BFloat16 || compute == autograd.Float16 {
		return compute
	}
	return autograd.Float32
}

// Case computes a case forward and backward. A case that changes its inputs is an error.
func (t Torch) Case(ctx context.Context, c Case) (r Result, err error) {
	err = autograd.Run(ctx, func(s *autograd.Scope) error {
		in := t.inputs(s, c, true)
		before := read(s, in)
		out, err := t.forward(s, c, in)
		if err != nil {
			return err
		}
		value := readOne(s, out)
		r = append(r, Value{Kind: Output, Array: value})
		weights := autograd.FromSlice(s, c.cotangent(len(value.Data)), value.Shape...)
		s.Backward(s.Sum(s.Mul(out, like(s, weights, out))))
		for i, input := range c.Inputs {
			if !input.Running {
				r = append(r, gradient(s, input, in[i]))
			}
		}
		after := read(s, in)
		if s.Err() != nil {
			return s.Err()
		}
		if err := unchanged(c, before, after); err != nil {
			return err
		}
		r = append(r, statistics(c, after)...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("suite: %s: libtorch: %w", c.Name, err)
	}
	return r, nil
}

// inputs makes the case's tensors, images channels-last, as leaves if gradients are wanted.
func (t Torch) inputs(s *autograd.Scope, c Case, leaves bool) []*autograd.Tensor {
	list := make([]*autograd.Tensor, len(c.Inputs))
	for i, in := range c.Inputs {
		dtype := t.Parameters
		if in.Activation {
			dtype = t.activation(c)
		}
		x := t.place(s, s.To(autograd.FromSlice(s, in.Data, in.Shape...), dtype))
		if len(in.Shape) == 4 {
			x = s.ChannelsLast(x)
		}
		if leaves && !in.Running {
			x = s.RequireGrad(x)
		}
		list[i] = x
	}
	return list
}

// forward computes the output in the engine's precision.
func (t Torch) forward(s *autograd.Scope, c Case, in []*autograd.Tensor) (out *autograd.Tensor, err error) {
	err = s.Autocast(t.autocast(t.activation(c)), func(s *autograd.Scope) error {
		out = s.Keep(c.Torch(s, in))
		return s.Err()
	})
	return out, err
}

// gradient reads the gradient of an input after Backward: zeros if the output does not depend on
// it.
func gradient(s *autograd.Scope, input Input, t *autograd.Tensor) Value {
	v := Value{Name: input.Name, Kind: Gradient, ScaleFrom: input.ScaleFrom}
	if g := s.Grad(t); g != nil {
		v.Array = readOne(s, g)
	} else if s.Err() == nil {
		v.Array = oracle.Full(0, t.Shape()...)
	}
	return v
}

// unchanged fails if an input that is not a running statistic has changed.
func unchanged(c Case, before, after []oracle.Array) error {
	for i, input := range c.Inputs {
		if input.Running {
			continue
		}
		for j, v := range before[i].Data {
			if math.Float64bits(v) != math.Float64bits(after[i].Data[j]) {
				return fmt.Errorf("the case changes its input %s: element %d was %v and is %v", input.Name, j, v, after[i].Data[j])
			}
		}
	}
	return nil
}

// statistics returns the new values of the running inputs.
func statistics(c Case, after []oracle.Array) Result {
	var r Result
	for i, input := range c.Inputs {
		if input.Running {
			r = append(r, Value{Name: input.Name, Kind: Statistic, Array: after[i]})
		}
	}
	return r
}

// read copies tensors to the host.
func read(s *autograd.Scope, list []*autograd.Tensor) []oracle.Array {
	arrays := make([]oracle.Array, len(list))
	for i, t := range list {
		arrays[i] = readOne(s, t)
	}
	return arrays
}

func readOne(s *autograd.Scope, t *autograd.Tensor) oracle.Array {
	if s.Err() != nil || t == nil {
		return oracle.Array{}
	}
	return oracle.Array{Shape: t.Shape(), Data: autograd.ToSlice[float64](s, s.Detach(t))}
}
