package mobilenet

import (
	"slices"

	"depthwise.dev/autograd"
)

// Inference is a network's form for inference. With the Fused kernels its convolutions have batch norm folded into them and the
// head is one of the kernels ([autograd.FoldedBackbone]), so that an image's logits do not depend on the batch that it is in; it
// folds again when the network's weights have changed. Otherwise it is Network.Forward in evaluation. It belongs to the scope that it was made in.
type Inference struct {
	// Times, where it is set, is where each call of the Fused kernels leaves its times; see [autograd.FoldedBackbone].
	Times *autograd.FoldedTimes

	network  *Network
	scope    *autograd.Scope
	compute  autograd.DType
	backbone *autograd.FoldedBackbone
	tensors  []*autograd.Tensor // the network's when backbone was made
}

// Inference is the network's form for inference, which computes in float32 or bfloat16.
func (n *Network) Inference(s *autograd.Scope, compute autograd.DType) *Inference {
	return &Inference{network: n, scope: s, compute: compute}
}

// Forward computes what [Network.Forward] does in evaluation, without recording gradients: the logits (N, classes) of
// normalized images x (N, 3, H, W).
func (i *Inference) Forward(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	n := i.network
	if n.fused() {
		height, width := n.size(x)
		return i.folded().Logits(s, n.backbone(height, width), x)
	}
	return i.composed(s, func(s *autograd.Scope) *autograd.Tensor { return n.Forward(s, x, autograd.Evaluation) })
}

// ForwardPixels is Forward of images as a loader leaves them, on the network's device.
func (i *Inference) ForwardPixels(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	n := i.network
	if n.fused() {
		return i.folded().LogitsPixels(s, n.backbone(p.Height, p.Width), p)
	}
	return i.composed(s, func(s *autograd.Scope) *autograd.Tensor { return n.ForwardPixels(s, p, autograd.Evaluation) })
}

// composed is f's logits by libtorch's operations, without recording, in the type that the network computes in.
func (i *Inference) composed(s *autograd.Scope, f func(*autograd.Scope) *autograd.Tensor) *autograd.Tensor {
	var logits *autograd.Tensor
	err := s.NoGrad(func(s *autograd.Scope) error {
		err := s.Autocast(i.compute, func(s *autograd.Scope) error {
			logits = s.Keep(f(s))
			return s.Err()
		})
		logits = s.Keep(logits)
		return err
	})
	if err != nil {
		s.Fail(err)
		return nil
	}
	return logits
}

// folded is the backbone and head over the network's tensors, which [Network.To] replaces.
func (i *Inference) folded() *autograd.FoldedBackbone {
	if i.backbone == nil || !slices.Equal(i.tensors, i.network.tensors) {
		parameters, statistics := i.network.backboneTensors()
		i.tensors = slices.Clone(i.network.tensors)
		i.backbone = autograd.NewFoldedBackbone(i.scope, i.compute, parameters, statistics).WithHead(i.network.head.weight, i.network.head.bias)
	}
	i.backbone.Times = i.Times
	return i.backbone
}
