package autograd

import (
	"fmt"
	"slices"

	"depthwise.dev/autograd/native"
)

// BackboneLayer is a convolution with batch norm at the sizes of one call's images.
type BackboneLayer = native.BackboneLayer

// The kinds of a backbone's layers.
const (
	StemLayer      = native.StemLayer      // 3x3, of three colors
	DepthwiseLayer = native.DepthwiseLayer // 3x3, one filter per channel
	PointwiseLayer = native.PointwiseLayer // 1x1
)

// Backbone is a MobileNet's stem, blocks and pooling as one operation that fused CPU kernels
// compute, forward and backward. Batch norm and activation follow each convolution; the next layer
// applies them as it reads, and they are never stored.
type Backbone struct {
	Layers        []BackboneLayer // the stem first
	Cap           float64         // of the activation: 6 for ReLU6, infinity for ReLU
	Eps, Momentum float64         // of batch norm

	// Frozen is the number of first layers that are constant: in training too they use the running
	// statistics, and their parameters have no gradients. The backward pass ends before them.
	Frozen int

	// Sync makes the batch's statistics those of all ranks' batches. nil: this process' own.
	Sync *NormSync

	// Times, if not nil, receives the times of each forward pass when it returns, and of its
	// backward pass when that ends. If nil, nothing is measured.
	Times *BackboneTimes
}

// The fused kernels pad the channels of stored tensors to a multiple of BackboneLanes.
const BackboneLanes = native.Lanes

// Forward returns the average over all positions (N, channels), float32, of the last layer's output
// for images x (N, 3, H, W), float32 on the CPU. For each layer, parameters holds the weight, the
// bias if it has one, and batch norm's weight and bias; statistics holds the running mean and
// variance. In training the batch's statistics normalize and update the running ones. Within
// Autocast to BFloat16 values are stored and multiplied in that type; sums and batch norm stay
// float32. Gradients flow to x and the parameters, once per forward pass; there are no second
// derivatives.
func (b Backbone) Forward(s *Scope, x *Tensor, parameters, statistics []*Tensor, mode Mode) *Tensor {
	if !s.ready(backboneName, x) {
		return nil
	}
	return b.forward(s, native.Tensor(x.c), Pixels{}, parameters, statistics, mode, x)
}

// ForwardPixels is Forward of pixels, which the stem normalizes as it reads them, with the same
// bits as from [Scope.NormalizeImages]. Pixels have no gradient, and are not read after it returns.
func (b Backbone) ForwardPixels(s *Scope, p Pixels, parameters, statistics []*Tensor, mode Mode) *Tensor {
	if err := checkCount(len(p.Values), []int64{int64(p.N), int64(p.Height), int64(p.Width), 3}); err != nil {
		s.Fail(fmt.Errorf("autograd: %s: %w", backboneName, err))
	}
	return b.forward(s, nil, p, parameters, statistics, mode)
}

const backboneName = "fused backbone"

// forward computes the features of images x, or of the pixels if x is nil. inputs are for error
// messages.
func (b Backbone) forward(s *Scope, x native.Tensor, p Pixels, parameters, statistics []*Tensor, mode Mode, inputs ...*Tensor) *Tensor {
	if !s.ready(backboneName, slices.Concat(parameters, statistics)...) || !kernelType(s, backboneName, s.compute) {
		return nil
	}
	if b.Frozen < 0 || b.Frozen > len(b.Layers) {
		s.Fail(fmt.Errorf("autograd: %s: %d frozen layers of %d", backboneName, b.Frozen, len(b.Layers)))
		return nil
	}
	out, err := native.BackboneForward(native.Backbone{Layers: b.Layers, Cap: b.Cap, Eps: b.Eps, Momentum: b.Momentum,
		Training: mode == Training, Frozen: b.Frozen, BFloat16: s.compute == BFloat16, Sync: b.Sync.native(), Times: b.Times}, x, p.native(), List(parameters).handles(), List(statistics).handles())
	return s.made(backboneName, inputs, out, b.Sync.cause(err))
}

// BackboneKernels returns the name of the fused kernels' ISA variant on this processor, such as
// "avx512bf16": the best one supported, or the one that the environment variable DEPTHWISE_ISA
// names. "portable" runs on every processor, but is slow.
func BackboneKernels() (string, error) {
	name, err := native.BackboneISA()
	if err != nil {
		return "", fmt.Errorf("autograd: fused kernels: %w", err)
	}
	return name, nil
}

// BackboneCount returns the number of layers that fused kernels have computed in this process;
// forward and backward count separately.
func BackboneCount() int64 { return native.BackboneCount() }
