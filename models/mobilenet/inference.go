package mobilenet

import (
	"slices"

	"depthwise.dev/autograd"
)

// Inference is a network's form for inference. With the Fused kernels its convolutions have batch norm folded into them
// ([autograd.FoldedTrunk]); it folds again when the network's weights have changed. Otherwise it is Network.Forward in
// evaluation. It belongs to the scope that it was made in.
type Inference struct {
	// Times, where it is set, is where each call of the Fused kernels leaves the times of its trunk; see [autograd.FoldedTrunk].
	Times *autograd.FoldedTimes

	network *Network
	scope   *autograd.Scope
	compute autograd.DType
	trunk   *autograd.FoldedTrunk
	tensors []*autograd.Tensor // the network's when trunk was made
}

// Inference is the network's form for inference, which computes in float32 or bfloat16.
func (n *Network) Inference(s *autograd.Scope, compute autograd.DType) *Inference {
	return &Inference{network: n, scope: s, compute: compute}
}

// Forward computes what [Network.Forward] does in evaluation, without recording gradients: the logits (N, classes) of
// normalised images x (N, 3, H, W).
func (i *Inference) Forward(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	return i.logits(s, func(s *autograd.Scope) *autograd.Tensor {
		if !i.network.fused() {
			return i.network.Forward(s, x, autograd.Evaluation)
		}
		height, width := i.network.size(x)
		return i.classify(s, i.folded().Forward(s, i.network.trunk(height, width), x))
	})
}

// ForwardPixels is Forward of images as a loader leaves them, on the network's device.
func (i *Inference) ForwardPixels(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	return i.logits(s, func(s *autograd.Scope) *autograd.Tensor {
		n := i.network
		if !n.fused() {
			return n.ForwardPixels(s, p, autograd.Evaluation)
		}
		return i.classify(s, i.folded().ForwardPixels(s, n.trunk(p.Height, p.Width), p))
	})
}

// logits calls f without recording, in the type that the network computes in.
func (i *Inference) logits(s *autograd.Scope, f func(*autograd.Scope) *autograd.Tensor) *autograd.Tensor {
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

func (i *Inference) classify(s *autograd.Scope, features *autograd.Tensor) *autograd.Tensor {
	return i.network.classify(s, features, autograd.Evaluation)
}

// folded is the trunk over the network's tensors, which [Network.To] replaces.
func (i *Inference) folded() *autograd.FoldedTrunk {
	if i.trunk == nil || !slices.Equal(i.tensors, i.network.tensors) {
		parameters, statistics := i.network.trunkTensors()
		i.tensors = slices.Clone(i.network.tensors)
		i.trunk = autograd.NewFoldedTrunk(i.scope, i.compute, parameters, statistics)
	}
	i.trunk.Times = i.Times
	return i.trunk
}
