package backend

import (
	"fmt"

	"depthwise.dev/autograd"
)

// featureLayers is the number of layers before the head.
func (n *Network) featureLayers() (int, error) {
	if _, err := n.Graph.FeatureValues(); err != nil {
		return 0, fmt.Errorf("backend: %w", err)
	}
	return len(n.layers) - n.Graph.HeadLayers(), nil
}

// Features computes the features of normalized images x (N, C, H, W) by the torch backend, in evaluation and without
// gradients: what [Network.Head] reads. See [Inference].
func (n *Network) Features(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	return torchInference{n, n.DType()}.Features(s, x)
}

// Head computes the logits (N, classes) of features, which it frees: dropout and the linear layer of a MobileNet.
// It records gradients, and in training dropout drops.
func (n *Network) Head(s *autograd.Scope, features *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	return n.headOf(s, features, call{mode: mode, parameters: n.DType()})
}

// headOf is [Network.Head] with the options of a call.
func (n *Network) headOf(s *autograd.Scope, features *autograd.Tensor, c call) *autograd.Tensor {
	first, err := n.featureLayers()
	if err != nil {
		s.Fail(err)
		return nil
	}
	x := features
	for _, l := range n.layers[first:] {
		y := layerOutput(s, l, []*autograd.Tensor{x}, c)
		if y != x {
			s.Free(x)
		}
		x = y
	}
	return x
}
