package mobilenet

import (
	"fmt"

	"depthwise.dev/autograd"
)

// Network is a MobileNet's tensors. It belongs to the scope that it was made in.
type Network struct {
	Config  Config
	Kernels Kernels // what computes Forward; "" is Torch
	arrays  []array
	tensors []*autograd.Tensor // one for each array
	units   []unit             // the convolutions, over the same tensors
	head    head
	hooks   []*ForwardHook

	// Times, where not nil, receives the times of the fused kernels' passes in training; see [autograd.Backbone].
	Times *autograd.BackboneTimes
}

// New builds a network with initial values that are a function of the
// configuration and the seed, in float32 on the CPU. Wrong configurations and
// libtorch's errors stick to the scope.
func New(s *autograd.Scope, c Config, seed uint64) *Network {
	n := &Network{Config: c}
	if err := c.Validate(); err != nil {
		s.Fail(err)
		return n
	}
	for _, l := range c.Layers() {
		n.arrays = append(n.arrays, l.arrays()...)
	}
	n.tensors = make([]*autograd.Tensor, len(n.arrays))
	n.replace(s, func(_ int, a array) *autograd.Tensor {
		return autograd.FromSlice(s, a.initialValues(seed), a.shape...)
	})
	return n
}

// To moves the network to a device.
func (n *Network) To(s *autograd.Scope, device autograd.Device) {
	n.replace(s, func(i int, _ array) *autograd.Tensor { return s.ToDevice(s.Detach(n.tensors[i]), device) })
}

// ToDType converts the network, to float64 for tests. Gradients are not taken along.
func (n *Network) ToDType(s *autograd.Scope, dtype autograd.DType) {
	n.replace(s, func(i int, _ array) *autograd.Tensor { return s.To(s.Detach(n.tensors[i]), dtype) })
}

// replace takes a new tensor for every array: convolution weights channels-last
// as all activations are, trainable ones as leaves of the graph.
func (n *Network) replace(s *autograd.Scope, tensor func(int, array) *autograd.Tensor) {
	for i, a := range n.arrays {
		t := tensor(i, a)
		if len(a.shape) == 4 {
			t = s.ChannelsLast(t)
		}
		if a.role != "" {
			t = s.RequireGrad(t)
		}
		n.tensors[i] = t
	}
	n.bind()
}

// Parameters lists the trainable arrays in file order.
func (n *Network) Parameters() []Parameter {
	var list []Parameter
	for i, a := range n.arrays {
		if a.role != "" {
			list = append(list, Parameter{Name: a.name, Tensor: n.tensors[i], Role: a.role})
		}
	}
	return list
}

// Buffers lists the running means and variances in file order.
func (n *Network) Buffers() []autograd.Named {
	var list []autograd.Named
	for i, a := range n.arrays {
		if a.role == "" {
			list = append(list, autograd.Named{Name: a.name, Tensor: n.tensors[i]})
		}
	}
	return list
}

// State lists parameters and buffers in file order, which is timm's.
func (n *Network) State() []autograd.Named {
	list := make([]autograd.Named, len(n.arrays))
	for i, a := range n.arrays {
		list[i] = autograd.Named{Name: a.name, Tensor: n.tensors[i]}
	}
	return list
}

// String names the network for logs.
func (n *Network) String() string {
	c := n.Config
	return fmt.Sprintf("mobilenet_v1 %s, width %v, resolution %d, %d classes", c.Variant, c.Width, c.Resolution, c.Classes)
}
