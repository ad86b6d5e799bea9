package backend

import (
	"fmt"

	"depthwise.dev/autograd"
)

// featureLayers is the number of layers before the head.
func (n *Network) featureLayers() (int, error) {
	head := n.Graph.HeadLayers()
	if head == 0 {
		return 0, fmt.Errorf("backend: %v has no features: its last layer is not a linear layer behind others", n)
	}
	return len(n.layers) - head, nil
}

// Head computes the logits (N, classes) of features, which it frees: dropout and the linear layer of a MobileNet.
// It records gradients, and in training dropout drops.
func (n *Network) Head(s *autograd.Scope, features *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	first, err := n.featureLayers()
	if err != nil {
		s.Fail(err)
		return nil
	}
	c, x := call{mode: mode, parameters: n.DType()}, features
	for _, l := range n.layers[first:] {
		y := layerOutput(s, l, []*autograd.Tensor{x}, c)
		if y != x {
			s.Free(x)
		}
		x = y
	}
	return x
}
