package autograd

import (
	lib "github.com/sugarme/gotch/libtch"

	"depthwise.dev/autograd/native"
)

// Zeros returns a new tensor of zeros.
func (s *Scope) Zeros(d DType, dev Device, shape ...int64) *Tensor {
	return s.op("zeros", nil, func(out *lib.Ctensor) {
		lib.AtgZeros(out, dims(shape), len(shape), int32(d), int32(dev))
	})
}

// To returns x converted to type d: x itself if it already has that type.
func (s *Scope) To(x *Tensor, d DType) *Tensor {
	if x != nil && x.c != nil && x.DType() == d {
		return x
	}
	return s.op("to", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgToDtype(out, x.c, int32(d), 0, 0) })
}

// ToDevice returns x on device dev: x itself if it is already there.
func (s *Scope) ToDevice(x *Tensor, dev Device) *Tensor {
	if x != nil && x.c != nil && x.Device() == dev {
		return x
	}
	return s.op("to device", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgTo(out, x.c, int32(dev)) })
}

// ChannelsLast returns a (N, C, H, W) tensor with memory in the order N, H, W, C.
func (s *Scope) ChannelsLast(x *Tensor) *Tensor {
	if !s.ready("channels last", x) {
		return nil
	}
	c, err := native.ChannelsLast(native.Tensor(x.c))
	return s.made("channels last", []*Tensor{x}, c, err)
}

func (s *Scope) zerosLike(x *Tensor) *Tensor {
	return s.op("zeros like", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgZerosLike(out, x.c) })
}

// Add is x + y, broadcast.
func (s *Scope) Add(x, y *Tensor) *Tensor {
	return s.op("add", []*Tensor{x, y}, func(out *lib.Ctensor) { lib.AtgAdd(out, x.c, y.c) })
}

// Subtract is x - y, broadcast. It is not called Sub, which opens a scope.
func (s *Scope) Subtract(x, y *Tensor) *Tensor {
	return s.op("sub", []*Tensor{x, y}, func(out *lib.Ctensor) { lib.AtgSub(out, x.c, y.c) })
}

// Mul is x * y element by element, broadcast.
func (s *Scope) Mul(x, y *Tensor) *Tensor {
	return s.op("mul", []*Tensor{x, y}, func(out *lib.Ctensor) { lib.AtgMul(out, x.c, y.c) })
}

// Div is x / y element by element, broadcast.
func (s *Scope) Div(x, y *Tensor) *Tensor {
	return s.op("div", []*Tensor{x, y}, func(out *lib.Ctensor) { lib.AtgDiv(out, x.c, y.c) })
}

// Scale is x * c.
func (s *Scope) Scale(x *Tensor, c float64) *Tensor {
	return s.op("scale", []*Tensor{x}, func(out *lib.Ctensor) {
		withScalar(c, func(v lib.Cscalar) { lib.AtgMulScalar(out, x.c, v) })
	})
}

// AddScalar is x + c.
func (s *Scope) AddScalar(x *Tensor, c float64) *Tensor {
	return s.op("add scalar", []*Tensor{x}, func(out *lib.Ctensor) {
		withScalar(c, func(v lib.Cscalar) { lib.AtgAddScalar(out, x.c, v) })
	})
}

// Square is x * x.
func (s *Scope) Square(x *Tensor) *Tensor {
	return s.op("square", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgSquare(out, x.c) })
}

// Sum is the sum of all elements, a scalar.
func (s *Scope) Sum(x *Tensor) *Tensor {
	return s.op("sum", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgSum(out, x.c, int32(x.DType())) })
}

// Mean is the mean of all elements, a scalar.
func (s *Scope) Mean(x *Tensor) *Tensor {
	return s.op("mean", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgMean(out, x.c, int32(x.DType())) })
}

// Matmul is the matrix product of (M, K) and (K, N).
func (s *Scope) Matmul(x, y *Tensor) *Tensor {
	return s.op("matmul", []*Tensor{x, y}, func(out *lib.Ctensor) { lib.AtgMatmul(out, x.c, y.c) })
}

// Reshape returns x with another shape and the same elements; one dimension may be -1.
func (s *Scope) Reshape(x *Tensor, shape ...int64) *Tensor {
	return s.op("reshape", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgReshape(out, x.c, dims(shape), len(shape)) })
}

// Softmax is exp(x) / sum exp(x) along a dimension.
func (s *Scope) Softmax(x *Tensor, dim int64) *Tensor {
	return s.op("softmax", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgSoftmax(out, x.c, dim, int32(x.DType())) })
}

// LogSoftmax is the logarithm of Softmax.
func (s *Scope) LogSoftmax(x *Tensor, dim int64) *Tensor {
	return s.op("log softmax", []*Tensor{x}, func(out *lib.Ctensor) { lib.AtgLogSoftmax(out, x.c, dim, int32(x.DType())) })
}

// dims adapts a shape to gotch, which takes the address of the first element even if there is none.
func dims(shape []int64) []int64 {
	if len(shape) == 0 {
		return []int64{0}
	}
	return shape
}

func withScalar(c float64, f func(lib.Cscalar)) {
	v := lib.AtsFloat(c)
	defer lib.AtsFree(v)
	f(v)
}
