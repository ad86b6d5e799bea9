package autograd

import "depthwise.dev/autograd/native"

// FusedConv holds the hyperparameters of a convolution with batch norm and activation as one operation by kernels for
// GPUs (docs/kernels.md#gpus). On the CPU these kernels are emulated, for tests. The zero value is stride 1, one group, no
// padding, no activation.
type FusedConv struct {
	Stride     int64 // 0 means 1
	Groups     int64 // 0 means 1; the number of channels makes it depthwise
	Padding    Sides // zeros around x
	Activation FusedActivation
}

// FusedActivation is an activation function of [FusedConv].
type FusedActivation = native.Activation

// The activation functions.
const (
	NoActivation    = native.NoActivation
	ReLUActivation  = native.ReLUActivation
	ReLU6Activation = native.ReLU6Activation
)

const fusedConv = "fused convolution" // in errors

// Forward computes activation(norm(convolution(x, w) + b)) + residual in training: bn normalizes by the batch's
// statistics, those of all ranks with bn.Sync, which also update the running ones. x is (N, C, H, W), w (O, C/groups, K, K), b (O) or nil, residual of the
// result's shape or nil. b changes the running mean alone, and its gradient is zero.
// Within Autocast to BFloat16 values are stored and multiplied in that type; sums and batch norm stay float32. Gradients
// flow to x, w, bn's weight and bias, and residual, once per forward pass; there are no second derivatives. Sums have a
// fixed order: the same inputs give the same bits. libtorch's operations compute what the kernels do not: numbers of
// channels that are no multiple of 8, parameters in float64, and Autocast to Float16.
func (c FusedConv) Forward(s *Scope, x, w, b *Tensor, bn BatchNorm, residual *Tensor) *Tensor {
	inputs := []*Tensor{x, w, bn.Weight, bn.Bias, bn.Mean, bn.Var}
	for _, optional := range []*Tensor{b, residual} {
		if optional != nil {
			inputs = append(inputs, optional)
		}
	}
	if !s.ready(fusedConv, inputs...) {
		return nil
	}
	if x.DType() == Float64 || w.DType() == Float64 || s.compute == Float16 || len(x.Shape()) == 4 && len(w.Shape()) == 4 && !c.Supports(x.Shape(), w.Shape()) {
		return c.unfused(s, x, w, b, bn, residual)
	}
	out, err := native.FusedConvForward(native.Tensor(x.c), native.Tensor(w.c), native.Tensor(opt(b)), bn.native(s.again), native.Tensor(opt(residual)), c.native(s.compute))
	return s.made(fusedConv, inputs, out, bn.Sync.cause(err))
}

// unfused is Forward by libtorch's operations.
func (c FusedConv) unfused(s *Scope, x, w, b *Tensor, bn BatchNorm, residual *Tensor) *Tensor {
	var y *Tensor
	err := s.Sub(func(s *Scope) error {
		p := c.Padding
		y = s.Conv2d(s.Pad2d(x, p.Left, p.Right, p.Top, p.Bottom), w, b, Conv{Stride: c.Stride, Groups: c.Groups})
		y = bn.Forward(s, y, Training)
		switch c.Activation {
		case ReLUActivation:
			y = s.ReLU(y)
		case ReLU6Activation:
			y = s.ReLU6(y)
		}
		if residual != nil {
			y = s.Add(y, residual)
		}
		s.Keep(y)
		return s.Err()
	})
	if err != nil {
		s.Fail(err)
		return nil
	}
	return y
}

// CheckFusedConv returns an error that says why the kernels of [FusedConv] do not run on a device, or nil. They run on GPUs
// of compute capability 8.0 and later where NVRTC is installed, and emulated on the CPU.
func CheckFusedConv(d Device) error {
	if d == CPU {
		return nil
	}
	return native.CheckCUDA(int(d))
}

// Supports reports whether Forward computes convolutions of x and w of these shapes: the result has a multiple of 8
// channels.
func (c FusedConv) Supports(x, w []int64) bool { return c.kernels(x, w) != native.NoKernels }

// Depthwise reports whether kernels of this module compute the convolution itself, of x and w of these shapes: it is
// depthwise with a window of 3x3 or 5x5 and a stride of 1 or 2.
func (c FusedConv) Depthwise(x, w []int64) bool { return c.kernels(x, w) == native.DepthwiseKernels }

func (c FusedConv) kernels(x, w []int64) native.ConvKernels {
	if len(x) != 4 || len(w) != 4 {
		return native.NoKernels
	}
	return native.FusedConvKernels([4]int64(x), [4]int64(w), c.native(Float32))
}

func (c FusedConv) native(compute DType) native.FusedConv {
	return native.FusedConv{Stride: int(max(c.Stride, 1)), Groups: int(max(c.Groups, 1)), Activation: c.Activation, BFloat16: compute == BFloat16,
		Top: int(c.Padding.Top), Bottom: int(c.Padding.Bottom), Left: int(c.Padding.Left), Right: int(c.Padding.Right)}
}

// FusedConvCount returns the number of layers that these kernels have computed in this process; forward, backward and
// inference count separately.
func FusedConvCount() int64 { return native.FusedConvCount() }
