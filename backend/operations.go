package backend

import (
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/models"
)

// operation computes a layer's output with libtorch, without its batch norm and activation.
type operation func(s *autograd.Scope, l bound, in []*autograd.Tensor, c call) *autograd.Tensor

// call is what a pass through a network is about.
type call struct {
	mode autograd.Mode
	// parameters is the type of the network's tensors. Pools and linear layers compute in it, also where
	// autocast has convolutions compute in bfloat16 or float16.
	parameters autograd.DType
	fused      bool // linear layers by the fused kernels
	cuda       bool // convolutions with batch norm by the CUDA kernels, where these compute them
}

// operations has a row for each kind of layers.
var operations = map[models.Kind]operation{
	models.KindConv:          convolve,
	models.KindBatchNorm:     identity, // its norm follows
	models.KindActivation:    identity, // its activation follows
	models.KindAdd:           add,
	models.KindMaxPool:       maxPool,
	models.KindGlobalAvgPool: globalAvgPool,
	models.KindFlatten:       flatten,
	models.KindDropout:       dropout,
	models.KindLinear:        linear,
}

func identity(_ *autograd.Scope, _ bound, in []*autograd.Tensor, _ call) *autograd.Tensor {
	return in[0]
}

// convolve pads x by the layer's rule, which depends on x's size, and convolves it.
func convolve(s *autograd.Scope, l bound, in []*autograd.Tensor, _ call) *autograd.Tensor {
	conv := autograd.Conv{Stride: int64(l.Stride), Groups: int64(l.Groups)}
	x, padding := pad(s, l, in[0], 0)
	conv.Padding = padding
	return s.Conv2d(x, l.weight, l.bias, conv)
}

// pad returns x and the padding that a windowed operation adds itself. Where the four sides differ it pads x with
// value first.
func pad(s *autograd.Scope, l bound, x *autograd.Tensor, value float64) (*autograd.Tensor, int64) {
	shape := x.Shape()
	if len(shape) != 4 {
		return x, 0 // the operation says what is wrong with x
	}
	rows, columns := l.Pads(int(shape[2]), int(shape[3]))
	if rows == columns && rows.Before == rows.After {
		return x, int64(rows.Before)
	}
	sides := autograd.Sides{Left: int64(columns.Before), Right: int64(columns.After), Top: int64(rows.Before), Bottom: int64(rows.After)}
	return s.PadValue2d(x, sides, value), 0
}

func add(s *autograd.Scope, _ bound, in []*autograd.Tensor, _ call) *autograd.Tensor {
	return s.Add(in[0], in[1])
}

// maxPool ignores padded positions, as PyTorch and TensorFlow do.
func maxPool(s *autograd.Scope, l bound, in []*autograd.Tensor, _ call) *autograd.Tensor {
	x, padding := pad(s, l, in[0], math.Inf(-1))
	return s.MaxPool2d(x, autograd.Pool{Kernel: int64(l.Kernel), Stride: int64(l.Stride), Padding: padding})
}

func globalAvgPool(s *autograd.Scope, _ bound, in []*autograd.Tensor, c call) *autograd.Tensor {
	return s.GlobalAvgPool(s.To(in[0], c.parameters))
}

func flatten(s *autograd.Scope, _ bound, in []*autograd.Tensor, _ call) *autograd.Tensor {
	if len(in[0].Shape()) != 4 {
		return in[0]
	}
	shape := in[0].Shape()
	return s.Reshape(in[0], shape[0], shape[1]*shape[2]*shape[3])
}

func dropout(s *autograd.Scope, l bound, in []*autograd.Tensor, c call) *autograd.Tensor {
	if c.mode != autograd.Training || l.Rate == 0 {
		return in[0]
	}
	return s.Dropout(in[0], l.Rate)
}

// linear computes in the parameters' type.
func linear(s *autograd.Scope, l bound, in []*autograd.Tensor, c call) *autograd.Tensor {
	if c.fused {
		return s.FusedLinear(in[0], l.weight, l.bias)
	}
	var y *autograd.Tensor
	s.Fail(s.Autocast(autograd.Float32, func(s *autograd.Scope) error {
		y = s.Keep(s.Linear(s.To(in[0], c.parameters), l.weight, l.bias))
		return s.Err()
	}))
	return y
}
