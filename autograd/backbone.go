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

// Backbone is a MobileNet's stem, blocks and pooling as one operation that fused CPU kernels compute, forward and backward.
// Batch norm and activation follow each convolution; they are applied where the next layer reads, and never stored.
type Backbone struct {
	Layers        []BackboneLayer // the stem first
	Cap           float64         // of the activation: 6 for ReLU6, infinity for ReLU
	Eps, Momentum float64         // of batch norm

	// Times, where not nil, receives the times of each forward pass when it returns, and those of its backward pass when
	// that ends. Nothing is measured otherwise.
	Times *BackboneTimes
}

// BackboneLanes is the number of channels that the fused kernels pad stored tensors to a multiple of.
const BackboneLanes = native.Lanes

// Forward is the average over all positions (N, channels), float32, of the last layer's output for images x (N, 3, H, W),
// float32 on the CPU. Parameters are for each layer weight, bias where it has one, and batch norm's weight and bias;
// statistics running mean and variance. In training the batch's statistics normalize and move the running ones. Within
// Autocast to BFloat16 values are stored and multiplied in it, sums and batch norm stay float32. Gradients flow to x and the
// parameters, once for each forward pass; there are no second derivatives.
func (t Backbone) Forward(s *Scope, x *Tensor, parameters, statistics []*Tensor, mode Mode) *Tensor {
	if !s.ready(backboneName, x) {
		return nil
	}
	return t.forward(s, native.Tensor(x.c), Pixels{}, parameters, statistics, mode, x)
}

// ForwardPixels is Forward of pixels, which the stem normalizes as it reads them: the same bits as of
// [Scope.NormalizeImages]'s output. Pixels have no gradient, and are not read after it returns.
func (t Backbone) ForwardPixels(s *Scope, p Pixels, parameters, statistics []*Tensor, mode Mode) *Tensor {
	if err := checkCount(len(p.Values), []int64{int64(p.N), int64(p.Height), int64(p.Width), 3}); err != nil {
		s.Fail(fmt.Errorf("autograd: %s: %w", backboneName, err))
	}
	return t.forward(s, nil, p, parameters, statistics, mode)
}

// Pixels are images as a loader leaves them: bytes (N, Height, Width, 3), RGB, and the mean and standard deviation by which
// they become (v/255 - Mean)/Std.
type Pixels = native.Pixels

const backboneName = "fused backbone"

// forward computes images x, or the pixels where x is nil. Errors name the inputs.
func (t Backbone) forward(s *Scope, x native.Tensor, p Pixels, parameters, statistics []*Tensor, mode Mode, inputs ...*Tensor) *Tensor {
	if !s.ready(backboneName, slices.Concat(parameters, statistics)...) {
		return nil
	}
	out, err := native.BackboneForward(native.Backbone{Layers: t.Layers, Cap: t.Cap, Eps: t.Eps, Momentum: t.Momentum,
		Training: mode == Training, BFloat16: s.compute == BFloat16, Times: t.Times}, x, p, List(parameters).handles(), List(statistics).handles())
	return s.made(backboneName, inputs, out, err)
}

// BackboneKernels names the instruction set of the fused kernels on this processor, as "avx512_bf16": the best that it has, or
// the one that the environment's DEPTHWISE_ISA names. "portable" is what every processor has; it is not fast.
func BackboneKernels() (string, error) {
	name, err := native.BackboneISA()
	if err != nil {
		return "", fmt.Errorf("autograd: fused kernels: %w", err)
	}
	return name, nil
}

// BackboneCount counts the layers that fused kernels have computed in this process, forward and backward each.
func BackboneCount() int64 { return native.BackboneCount() }
