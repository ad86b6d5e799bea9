package backend

import (
	"depthwise.dev/autograd"
	"depthwise.dev/models"
)

// CUDA computes networks on GPUs. In training, a convolution with batch norm by the batch's statistics and its
// activation are one operation of the project's kernels ([autograd.FusedConv], docs/kernels.md#gpus), in float32 or bfloat16;
// inference folds batch norm into the convolutions. All other layers are those of [Torch]: batch norms that are
// frozen, numbers of channels that are no multiple of 8, networks in float64.
//
// Its methods also compute on the CPU, where the kernels are emulated, for tests.
type CUDA struct{ Torch }

// Name implements [Backend].
func (CUDA) Name() string { return "cuda" }

// Supports implements [Backend].
func (CUDA) Supports(_ *models.Graph, d autograd.Device) error {
	if d == autograd.CPU {
		return &deviceError{"the CUDA kernels compute on GPUs, not on the CPU"}
	}
	return autograd.CheckFusedConv(d)
}

// SupportsPrecision implements [Backend]. The cards that are faster in float16 than in bfloat16 are those before compute
// capability 8.0, on which the kernels do not run.
func (CUDA) SupportsPrecision(p autograd.Precision) error { return withoutFP16(p, "CUDA") }

// Forward implements [Backend].
func (CUDA) Forward(s *autograd.Scope, n *Network, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	return n.firstLayers(s, x, len(n.layers), call{mode: mode, parameters: n.DType(), cuda: true})
}

// ForwardPixels implements [Backend]. The device normalizes the pixels.
func (b CUDA) ForwardPixels(s *autograd.Scope, n *Network, p autograd.Pixels, mode autograd.Mode) *autograd.Tensor {
	return b.Forward(s, n, n.deviceNormalized(s, p), mode)
}

// deviceNormalized is [Network.normalized] by the device, in the type of the enclosing Autocast.
func (n *Network) deviceNormalized(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	if n.DType() != autograd.Float32 {
		return n.normalized(s, p)
	}
	return s.FusedNormalizePixels(s.UploadPixels(p, n.Device()), p.Mean, p.Std)
}

// cudaActivations are the activation functions that the CUDA kernels compute.
var cudaActivations = map[models.Function]autograd.FusedActivation{
	models.ReLU:  autograd.ReLUActivation,
	models.ReLU6: autograd.ReLU6Activation,
}

// cudaConv is a layer's convolution as the kernels compute it for images x, if they do: with batch norm, a multiple of
// 8 channels, and float32 parameters.
func cudaConv(l bound, x *autograd.Tensor) (autograd.FusedConv, bool) {
	if l.Kind != models.KindConv || l.Norm == nil || l.weight.DType() != autograd.Float32 {
		return autograd.FusedConv{}, false
	}
	return cudaConvOf(l, x.Shape())
}

// cudaConvOf is cudaConv of a convolution with batch norm for images of a shape.
func cudaConvOf(l bound, shape []int64) (autograd.FusedConv, bool) {
	if len(shape) != 4 {
		return autograd.FusedConv{}, false
	}
	rows, columns := l.Pads(int(shape[2]), int(shape[3]))
	c := autograd.FusedConv{Stride: int64(l.Stride), Groups: int64(l.Groups), Padding: autograd.Sides{
		Left: int64(columns.Before), Right: int64(columns.After), Top: int64(rows.Before), Bottom: int64(rows.After)}}
	if l.Activation != nil {
		function, ok := cudaActivations[l.Activation.Function]
		if !ok {
			return c, false
		}
		c.Activation = function
	}
	return c, c.Supports(shape, l.weight.Shape())
}

// cudaComputes reports whether the kernels compute the layer in training.
func cudaComputes(l bound, x *autograd.Tensor, c call) bool {
	if l.normMode(c.mode) != autograd.Training {
		return false
	}
	_, ok := cudaConv(l, x)
	return ok
}

// cudaLayer computes a layer in training, and adds residual, which may be nil.
func cudaLayer(s *autograd.Scope, l bound, x, residual *autograd.Tensor) *autograd.Tensor {
	conv, _ := cudaConv(l, x)
	return conv.Forward(s, x, l.weight, l.bias, l.norm, residual)
}
