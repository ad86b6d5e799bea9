package backend

import (
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/checkpoints"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights"
)

// New builds a network with initial values on the machine's device, as part of s.
func (m Machine) New(s *autograd.Scope, c mobilenet.Config, seed uint64) *mobilenet.Network {
	n := mobilenet.New(s, c, seed)
	if s.Err() == nil {
		n.To(s, m.device)
	}
	n.Kernels = m.kernels
	return n
}

// Load builds the network of weights on the machine's device, as part of s.
func (m Machine) Load(s *autograd.Scope, w weights.Weights) (*mobilenet.Network, error) {
	n, err := Load(s, w, m.device)
	if n != nil {
		n.Kernels = m.kernels
	}
	return n, err
}

// Load builds the network of weights on a device, as part of s.
func Load(s *autograd.Scope, w weights.Weights, device autograd.Device) (*mobilenet.Network, error) {
	n := mobilenet.New(s, w.Config, 0)
	values := make(map[string][]float32, len(w.Arrays))
	for _, a := range w.Arrays {
		v, err := checkpoints.Values[float32](a)
		if err != nil {
			return nil, fmt.Errorf("backend: load weights: %w", err)
		}
		values[a.Name] = v
	}
	if err := n.Load(s, values); err != nil {
		return nil, err
	}
	n.To(s, device)
	return n, s.Err()
}
