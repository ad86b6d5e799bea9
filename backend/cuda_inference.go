package backend

import (
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/models"
)

// cudaInference is a network for inference on a GPU. Batch norm is folded into the convolutions, which store one output
// each: a pointwise convolution before a depthwise one leaves its activation to that, which applies it as it reads; a
// residual connection is added by the convolution before it.
type cudaInference struct {
	network *Network
	scope   *autograd.Scope
	compute autograd.DType

	folded   []*autograd.FoldedConv // of each layer; nil where libtorch computes it
	tensors  []*autograd.Tensor     // the network's when folded was made
	versions []int64                // of tensors when they were folded
	passes   int                    // the network's training passes when it was folded
}

// Inference implements [Backend].
func (CUDA) Inference(s *autograd.Scope, n *Network, compute autograd.DType) Inference {
	return &cudaInference{network: n, scope: s, compute: compute}
}

// Forward implements [Inference].
func (i *cudaInference) Forward(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	return i.logits(s, func(*autograd.Scope) *autograd.Tensor { return x })
}

// ForwardPixels implements [Inference].
func (i *cudaInference) ForwardPixels(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	return i.logits(s, func(s *autograd.Scope) *autograd.Tensor { return i.network.deviceNormalized(s, p) })
}

// Features implements [Inference].
func (i *cudaInference) Features(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	return i.features(s, func(*autograd.Scope) *autograd.Tensor { return x })
}

// FeaturesPixels implements [Inference].
func (i *cudaInference) FeaturesPixels(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	return i.features(s, func(s *autograd.Scope) *autograd.Tensor { return i.network.deviceNormalized(s, p) })
}

func (i *cudaInference) logits(s *autograd.Scope, input func(*autograd.Scope) *autograd.Tensor) *autograd.Tensor {
	return i.firstLayers(s, len(i.network.layers), input)
}

func (i *cudaInference) features(s *autograd.Scope, input func(*autograd.Scope) *autograd.Tensor) *autograd.Tensor {
	count, err := i.network.featureLayers()
	if err != nil {
		s.Fail(err)
		return nil
	}
	return s.To(i.firstLayers(s, count, input), i.network.DType())
}

// firstLayers computes the first layers, as many as count, without recording gradients. Hooks want each layer's output
// and libtorch's operations compute networks in float64.
func (i *cudaInference) firstLayers(s *autograd.Scope, count int, input func(*autograd.Scope) *autograd.Tensor) *autograd.Tensor {
	if i.network.Hooked() || i.network.DType() != autograd.Float32 {
		return torchInference{i.network, i.compute}.firstLayers(s, count, input)
	}
	i.Prepare(s)
	return evaluate(s, i.compute, func(s *autograd.Scope) *autograd.Tensor { return i.walk(s, input(s), count) })
}

// Prepare folds the weights again if they have changed, into the same tensors unless the network has others: a graph of
// the forward pass that was captured before computes with the new weights.
func (i *cudaInference) Prepare(s *autograd.Scope) {
	n := i.network
	same, versions := slices.Equal(i.tensors, n.tensors), s.Versions(n.tensors)
	if s.Err() != nil || same && i.passes == n.trainingPasses && slices.Equal(versions, i.versions) {
		return
	}
	if !same {
		i.folded, i.tensors = make([]*autograd.FoldedConv, len(n.layers)), slices.Clone(n.tensors)
	}
	i.versions = nil
	for at, l := range n.layers {
		if l.Kind != models.KindConv || l.Norm == nil {
			continue
		}
		if i.folded[at] == nil {
			i.folded[at] = autograd.NewFoldedConv(i.scope, i.compute)
		}
		i.folded[at].Fold(s, l.weight, l.bias, l.norm, int64(l.Groups))
	}
	if s.Err() == nil {
		i.versions, i.passes = versions, n.trainingPasses
	}
}

// walk computes the output of the last of the first layers, as many as count.
func (i *cudaInference) walk(s *autograd.Scope, x *autograd.Tensor, count int) *autograd.Tensor {
	n := i.network
	c := call{mode: autograd.Evaluation, parameters: n.DType()}
	p := pass{image: x, outputs: make([]*autograd.Tensor, count), readers: map[*autograd.Tensor]int{}}
	deferred := make([]autograd.FusedActivation, count) // activations that the reader of a layer's output applies
	for at := 0; at < count && s.Err() == nil; at++ {
		l := n.layers[at]
		in := p.inputs(l)
		conv, ok := cudaConv(l, in[0])
		if !ok {
			p.outputs[at] = layerOutput(s, l, in, c)
		} else {
			var before autograd.FusedActivation
			if place := l.inputs[0]; place >= 0 {
				before = deferred[place]
			}
			var residual *autograd.Tensor
			folded := i.folded[at]
			switch next := at + 1; {
			case n.leavesActivation(at, count, conv, in[0]):
				deferred[at], conv.Activation = conv.Activation, autograd.NoActivation
			case n.addsResidual(at, count):
				residual = p.outputs[n.otherInput(next, at)]
				in = append(in, residual)
				at = next
			}
			p.outputs[at] = folded.Forward(s, conv, in[0], before, residual)
		}
		p.readers[p.outputs[at]] += n.uses[at]
		if at == count-1 {
			p.readers[p.outputs[at]]++ // the caller
		}
		p.release(s, in)
	}
	return p.outputs[count-1]
}

// leavesActivation reports whether the only reader of a layer's output is a depthwise convolution behind it that applies
// the activation as it reads. Depthwise convolutions apply their own: they have it in a register.
func (n *Network) leavesActivation(at, count int, conv autograd.FusedConv, x *autograd.Tensor) bool {
	l := n.layers[at]
	if at+1 >= count || n.uses[at] != 1 || !l.Pointwise() || l.Stride != 1 || l.Activation == nil {
		return false
	}
	next := n.layers[at+1]
	if !next.Depthwise() || next.inputs[0] != at || next.Norm == nil {
		return false
	}
	shape := x.Shape()
	shape[1] = int64(l.Out)
	reader, ok := cudaConvOf(next, shape)
	return ok && reader.Depthwise(shape, next.weight.Shape())
}

// addsResidual reports whether the only reader of a convolution's output, which has no activation, is a sum behind it with an
// earlier layer's output.
func (n *Network) addsResidual(at, count int) bool {
	if at+1 >= count || n.uses[at] != 1 || n.layers[at].Kind != models.KindConv || n.layers[at].Activation != nil {
		return false
	}
	next := n.layers[at+1]
	return next.Kind == models.KindAdd && next.Norm == nil && next.Activation == nil && slices.Contains(next.inputs, at) &&
		n.otherInput(at+1, at) >= 0
}

// otherInput is the place of the input of a sum that is not `one`.
func (n *Network) otherInput(sum, one int) int {
	inputs := n.layers[sum].inputs
	if inputs[0] == one {
		return inputs[1]
	}
	return inputs[0]
}
