package backend

import (
	"slices"

	"depthwise.dev/autograd"
)

// FusedInference is a network for inference by the fused kernels: batch norm is folded into the convolutions
// and the head is one of the kernels ([autograd.FoldedBackbone]), so that an image's logits do not depend on
// the batch that it is in. It folds again when the network's weights have changed.
type FusedInference struct {
	// Times, if not nil, receives the times of each call; see [autograd.FoldedBackbone].
	Times *autograd.FoldedTimes

	network  *Network
	scope    *autograd.Scope
	compute  autograd.DType
	backbone *autograd.FoldedBackbone
	tensors  []*autograd.Tensor // the network's when backbone was made
}

// Inference implements [Backend].
func (Fused) Inference(s *autograd.Scope, n *Network, compute autograd.DType) Inference {
	return &FusedInference{network: n, scope: s, compute: compute}
}

// Forward implements [Inference].
func (i *FusedInference) Forward(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	if i.network.Hooked() {
		return torchInference{i.network, i.compute}.Forward(s, x)
	}
	height, width := i.network.imageSize(x)
	return i.folded().Logits(s, i.network.backbone(height, width), x)
}

// ForwardPixels implements [Inference].
func (i *FusedInference) ForwardPixels(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	if i.network.Hooked() {
		return torchInference{i.network, i.compute}.ForwardPixels(s, p)
	}
	return i.folded().LogitsPixels(s, i.network.backbone(p.Height, p.Width), p)
}

// Features implements [Inference].
func (i *FusedInference) Features(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	if i.network.Hooked() {
		return torchInference{i.network, i.compute}.Features(s, x)
	}
	height, width := i.network.imageSize(x)
	return i.folded().Forward(s, i.network.backbone(height, width), x)
}

// FeaturesPixels implements [Inference].
func (i *FusedInference) FeaturesPixels(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	if i.network.Hooked() {
		return torchInference{i.network, i.compute}.FeaturesPixels(s, p)
	}
	return i.folded().ForwardPixels(s, i.network.backbone(p.Height, p.Width), p)
}

// folded is the backbone and head over the network's tensors, which [Network.To] replaces.
func (i *FusedInference) folded() *autograd.FoldedBackbone {
	if i.backbone == nil || !slices.Equal(i.tensors, i.network.tensors) {
		parameters, statistics := i.network.backboneTensors()
		head := i.network.layers[len(i.network.layers)-1]
		i.tensors = slices.Clone(i.network.tensors)
		i.backbone = autograd.NewFoldedBackbone(i.scope, i.compute, parameters, statistics).WithHead(head.weight, head.bias)
	}
	i.backbone.Times = i.Times
	return i.backbone
}
