package autograd

import (
	"fmt"

	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// Conv holds the hyperparameters of a 2-d convolution. The zero value is stride 1, no padding, one
// group.
type Conv struct {
	Stride  int64 // 0 means 1
	Padding int64 // zeros on every side
	Groups  int64 // 0 means 1; the number of channels makes it depthwise
}

// Conv2d convolves x (N, C, H, W) with w (O, C/groups, K, K) and adds b (O), which may be nil; the
// result is (N, O, H', W') with H' = floor((H + 2 padding - K) / stride) + 1. Within Autocast it
// computes in that type.
func (s *Scope) Conv2d(x, w, b *Tensor, c Conv) *Tensor {
	x, w, b = s.cast(x), s.cast(w), s.castOptional(b)
	stride, padding, dilation := pair(max(c.Stride, 1)), pair(c.Padding), pair(1)
	return s.op("conv2d", present(x, w, b), func(out *lib.Ctensor) {
		lib.AtgConv2d(out, x.c, w.c, opt(b), stride, 2, padding, 2, dilation, 2, max(c.Groups, 1))
	})
}

// Pad2d adds zeros around x (N, C, H, W): columns left and right, rows at top and bottom.
func (s *Scope) Pad2d(x *Tensor, left, right, top, bottom int64) *Tensor {
	return s.op("pad2d", []*Tensor{x}, func(out *lib.Ctensor) {
		lib.AtgConstantPadNd(out, x.c, []int64{left, right, top, bottom}, 4)
	})
}

// Sides are the columns and rows added around an image.
type Sides struct{ Left, Right, Top, Bottom int64 }

// PadValue2d is Pad2d with another value than zero: minus infinity before a max pool.
func (s *Scope) PadValue2d(x *Tensor, p Sides, value float64) *Tensor {
	if value == 0 {
		return s.Pad2d(x, p.Left, p.Right, p.Top, p.Bottom)
	}
	return s.op("pad2d", []*Tensor{x}, func(out *lib.Ctensor) {
		const hasValue = 0 // the argument says whether it is null
		lib.AtgPad(out, x.c, []int64{p.Left, p.Right, p.Top, p.Bottom}, 4, "constant", value, hasValue)
	})
}

// Linear is x (N, I) times the transpose of w (O, I) plus b (O), which may be nil. Within Autocast
// it computes in that type.
func (s *Scope) Linear(x, w, b *Tensor) *Tensor {
	x, w, b = s.cast(x), s.cast(w), s.castOptional(b)
	return s.op("linear", present(x, w, b), func(out *lib.Ctensor) { lib.AtgLinear(out, x.c, w.c, opt(b)) })
}

// FusedLinear is Linear by the fused kernels, where x (N, I) is float32 on the CPU. Its result does
// not depend on the number of threads. There are no second derivatives.
func (s *Scope) FusedLinear(x, w, b *Tensor) *Tensor {
	const name = "fused linear"
	inputs := present(x, w, b)
	if !s.ready(name, inputs...) {
		return nil
	}
	if x.DType() != Float32 || x.Device() != CPU {
		return s.Linear(x, w, b)
	}
	c, err := native.Linear(native.Tensor(x.c), native.Tensor(w.c), native.Tensor(opt(b)))
	return s.made(name, inputs, c, err)
}

// Mode selects training or evaluation; it affects batch norm and dropout.
type Mode int

// The two modes.
const (
	Evaluation Mode = iota
	Training
)

// BatchNorm holds the tensors, all (C), and hyperparameters of a batch normalization
// (https://arxiv.org/abs/1502.03167).
type BatchNorm struct {
	Weight, Bias *Tensor
	Mean, Var    *Tensor // running statistics, updated in place in training
	Momentum     float64 // as in PyTorch: running = (1 - momentum) * running + momentum * batch
	Eps          float64
	Sync         *NormSync // nil: the statistics in training are those of this process' batch
}

// Forward normalizes x (N, C, H, W): in training by the batch's own statistics, which also update
// the running ones (with the unbiased variance), and in evaluation by the running ones. The
// recomputation of a checkpoint does not update the running statistics again. With Sync, training
// has no second derivatives.
func (bn BatchNorm) Forward(s *Scope, x *Tensor, mode Mode) *Tensor {
	if bn.Sync.active() && mode == Training {
		return bn.synchronized(s, x)
	}
	return s.op("batch norm", []*Tensor{x, bn.Weight, bn.Bias, bn.Mean, bn.Var}, func(out *lib.Ctensor) {
		mean, variance := bn.Mean.c, bn.Var.c
		if mode == Training && s.again {
			mean, variance = nil, nil
		}
		lib.AtgBatchNorm(out, x.c, bn.Weight.c, bn.Bias.c, mean, variance, flag(mode == Training), bn.Momentum, bn.Eps, 1)
	})
}

// ReLU is max(x, 0).
func (s *Scope) ReLU(x *Tensor) *Tensor {
	return s.op("relu", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgRelu(out, x.c) })
}

// ReLUInPlace is ReLU that overwrites x and returns it. x must not be a value that the backward
// pass needs: batch norm's output is not needed, ReLU's is.
func (s *Scope) ReLUInPlace(x *Tensor) *Tensor {
	return s.inPlace("relu_", x, func(out *lib.Ctensor) { lib.AtgRelu_(out, x.c) })
}

// ReLU6 is min(max(x, 0), 6).
func (s *Scope) ReLU6(x *Tensor) *Tensor {
	return s.op("relu6", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgRelu6(out, x.c) })
}

// ReLU6InPlace is ReLU6 that overwrites x and returns it, under ReLUInPlace's condition.
func (s *Scope) ReLU6InPlace(x *Tensor) *Tensor {
	return s.inPlace("relu6_", x, func(out *lib.Ctensor) { lib.AtgRelu6_(out, x.c) })
}

// Pool holds the hyperparameters of a 2-d pooling over square windows.
type Pool struct {
	Kernel  int64 // rows and columns of a window, at least 1
	Stride  int64 // 0 means Kernel: windows side by side
	Padding int64 // rows and columns added on every side, at most Kernel/2
}

// MaxPool2d is the maximum of x (N, C, H, W) over each window, (N, C, H', W') with H' = floor((H +
// 2 padding - kernel) / stride) + 1. Padding never is the maximum. The gradient goes to the first
// maximum of a window.
func (s *Scope) MaxPool2d(x *Tensor, p Pool) *Tensor {
	kernel, stride, padding, dilation := pair(p.Kernel), pair(p.stride()), pair(p.Padding), pair(1)
	return s.op("max pool", []*Tensor{x}, func(out *lib.Ctensor) {
		lib.AtgMaxPool2d(out, x.c, kernel, 2, stride, 2, padding, 2, dilation, 2, 0)
	})
}

// AvgPool2d is the mean of x (N, C, H, W) over each window, with MaxPool2d's output size. Padding
// counts as zeros, as torch.nn.AvgPool2d does by default.
func (s *Scope) AvgPool2d(x *Tensor, p Pool) *Tensor {
	const countPadding, noDivisor = 1, 1
	if x != nil && x.c != nil && x.Device() != CPU {
		// On an H200, libtorch 2.11's gradient of padded windows differed from the CPU's by 0.88; scripts/gpu/pooling.py
		// compares layouts.
		x, p = s.paddedApart(x, p)
	}
	kernel, stride, padding := pair(p.Kernel), pair(p.stride()), pair(p.Padding)
	return s.op("average pool", []*Tensor{x}, func(out *lib.Ctensor) {
		lib.AtgAvgPool2d(out, x.c, kernel, 2, stride, 2, padding, 2, 0, countPadding, 0, noDivisor)
	})
}

// paddedApart pads x with zeros, which an average counts as it does padding, and returns the pool without padding. Padding that
// libtorch refuses stays.
func (s *Scope) paddedApart(x *Tensor, p Pool) (*Tensor, Pool) {
	if n := p.Padding; n > 0 && 2*n <= p.Kernel {
		p.Padding = 0
		return s.Pad2d(x, n, n, n, n), p
	}
	return x, p
}

func (p Pool) stride() int64 {
	if p.Stride == 0 {
		return p.Kernel
	}
	return p.Stride
}

// GlobalAvgPool averages x (N, C, H, W) over its positions to (N, C).
func (s *Scope) GlobalAvgPool(x *Tensor) *Tensor {
	var pooled *Tensor
	err := s.Sub(func(s *Scope) error {
		square := s.op("global average pool", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgAdaptiveAvgPool2d(out, x.c, pair(1), 2) })
		pooled = s.Keep(s.op("flatten", []*Tensor{square}, func(out *lib.Ctensor) { lib.AtgFlatten(out, square.c, 1, -1) }))
		return s.Err()
	})
	if err != nil {
		s.Fail(err)
	}
	return pooled
}

// Dropout sets elements to zero with probability p and scales the others by 1/(1-p), as in
// training; evaluation omits it. It draws from libtorch's generator, see Seed.
func (s *Scope) Dropout(x *Tensor, p float64) *Tensor {
	if p < 0 || p >= 1 {
		s.Fail(fmt.Errorf("autograd: dropout: probability %v is not in [0, 1)", p))
		return nil
	}
	return s.op("dropout", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgDropout(out, x.c, p, 1) })
}

// cast converts an input of Conv2d and Linear to the type of the enclosing Autocast. Types other
// than float32, bfloat16 and float16 are kept: a float64 network stays float64.
func (s *Scope) cast(x *Tensor) *Tensor {
	if s.compute == Float32 || x.DType() != Float32 && !x.DType().half() {
		return x
	}
	return s.To(x, s.compute)
}

func (s *Scope) castOptional(x *Tensor) *Tensor {
	if x == nil {
		return nil
	}
	return s.cast(x)
}

// present omits an optional last input if it is nil.
func present(x, w, optional *Tensor) []*Tensor {
	if optional == nil {
		return []*Tensor{x, w}
	}
	return []*Tensor{x, w, optional}
}

func pair(v int64) []int64 { return []int64{v, v} }

func flag(b bool) int32 {
	if b {
		return 1
	}
	return 0
}
