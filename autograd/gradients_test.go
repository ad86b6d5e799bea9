package autograd_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// gradCase is a function whose gradients are compared with central differences, all in float64.
type gradCase struct {
	name   string
	inputs []array
	f      func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor
}

func gradCases() []gradCase {
	type scope = *autograd.Scope
	type tensor = *autograd.Tensor
	x, y, row := random(1, 3, 4), random(2, 3, 4), random(3, 4)
	image := random(4, 2, 3, 4, 4)
	far := awayFrom(random(5, 3, 4), 10, 0, 6) // of relu6's kinks
	positive := array{shape: y.shape}
	for _, v := range y.data {
		positive.data = append(positive.data, 1.5+v)
	}
	labels := func(s scope) tensor { return autograd.FromSlice(s, []int64{2, 0, 3}, 3) }
	targets := func(s scope) tensor { return s.Softmax(y.tensor(s), 1) }
	list := []gradCase{
		{"add", []array{x, row}, func(s scope, in []tensor) tensor { return s.Add(in[0], in[1]) }},
		{"subtract", []array{x, row}, func(s scope, in []tensor) tensor { return s.Subtract(in[0], in[1]) }},
		{"mul", []array{x, row}, func(s scope, in []tensor) tensor { return s.Mul(in[0], in[1]) }},
		{"div", []array{x, positive}, func(s scope, in []tensor) tensor { return s.Div(in[0], in[1]) }},
		{"scale", []array{x}, func(s scope, in []tensor) tensor { return s.Scale(in[0], -2.5) }},
		{"add scalar", []array{x}, func(s scope, in []tensor) tensor { return s.AddScalar(in[0], 3) }},
		{"square", []array{x}, func(s scope, in []tensor) tensor { return s.Square(in[0]) }},
		{"sum", []array{x}, func(s scope, in []tensor) tensor { return s.Sum(in[0]) }},
		{"mean", []array{x}, func(s scope, in []tensor) tensor { return s.Mean(in[0]) }},
		{"matmul", []array{x, random(6, 4, 2)}, func(s scope, in []tensor) tensor { return s.Matmul(in[0], in[1]) }},
		{"reshape", []array{x}, func(s scope, in []tensor) tensor { return s.Reshape(in[0], 2, 6) }},
		{"softmax", []array{x}, func(s scope, in []tensor) tensor { return s.Softmax(in[0], 1) }},
		{"log softmax", []array{x}, func(s scope, in []tensor) tensor { return s.LogSoftmax(in[0], 0) }},
		{"relu", []array{far}, func(s scope, in []tensor) tensor { return s.ReLU(in[0]) }},
		{"relu6", []array{far}, func(s scope, in []tensor) tensor { return s.ReLU6(in[0]) }},
		{"relu in place", []array{far}, func(s scope, in []tensor) tensor { return s.ReLUInPlace(s.Scale(in[0], 1)) }},
		{"relu6 in place", []array{far}, func(s scope, in []tensor) tensor { return s.ReLU6InPlace(s.Scale(in[0], 1)) }},
		{"linear", []array{x, random(7, 2, 4), random(8, 2)}, func(s scope, in []tensor) tensor { return s.Linear(in[0], in[1], in[2]) }},
		{"linear without bias", []array{x, random(7, 2, 4)}, func(s scope, in []tensor) tensor { return s.Linear(in[0], in[1], nil) }},
		{"global average pool", []array{image}, func(s scope, in []tensor) tensor { return s.GlobalAvgPool(in[0]) }},
		{"pad2d", []array{image}, func(s scope, in []tensor) tensor { return s.Pad2d(in[0], 0, 1, 2, 3) }},
		{"channels last", []array{image}, func(s scope, in []tensor) tensor { return s.ChannelsLast(in[0]) }},
		{"dropout", []array{x}, func(s scope, in []tensor) tensor { autograd.Seed(s, 3); return s.Dropout(in[0], 0.4) }},
		{"cross entropy", []array{x}, func(s scope, in []tensor) tensor { return autograd.CrossEntropy{}.Loss(s, in[0], labels(s)) }},
		{"cross entropy, smoothed", []array{x}, func(s scope, in []tensor) tensor {
			return autograd.CrossEntropy{LabelSmoothing: 0.1}.Loss(s, in[0], labels(s))
		}},
		{"soft cross entropy", []array{x}, func(s scope, in []tensor) tensor {
			return autograd.CrossEntropy{LabelSmoothing: 0.2}.SoftLoss(s, in[0], targets(s))
		}},
	}
	for _, mode := range []autograd.Mode{autograd.Training, autograd.Evaluation} {
		list = append(list, gradCase{fmt.Sprintf("batch norm, mode %d", mode), []array{image, random(9, 3), random(10, 3)}, func(s scope, in []tensor) tensor {
			bn := newBatchNorm(s, in[1], in[2])
			return bn.Forward(s, in[0], mode)
		}})
	}
	for _, c := range convCases {
		inputs := []array{random(11, c.x...), random(12, c.w...)}
		if c.bias {
			inputs = append(inputs, random(13, c.w[0]))
		}
		list = append(list, gradCase{"conv2d, " + c.name, inputs, func(s scope, in []tensor) tensor {
			return s.Conv2d(in[0], in[1], append(in, nil)[2], c.conv)
		}})
	}
	return list
}

// awayFrom scales values and moves those near a kink away from it.
func awayFrom(a array, stretch float64, kinks ...float64) array {
	for i := range a.data {
		a.data[i] *= stretch
		for _, k := range kinks {
			if math.Abs(a.data[i]-k) < 0.1 {
				a.data[i] = k + 0.1
			}
		}
	}
	return a
}

func TestGradients(t *testing.T) {
	for _, c := range gradCases() {
		t.Run(c.name, func(t *testing.T) {
			exact := backward(t, c)
			for i, in := range c.inputs {
				numeric := make([]float64, len(in.data))
				for j, v := range in.data {
					const h = 1e-5 // truncation error h*h = 1e-10, rounding error 1e-16/h = 1e-11
					in.data[j] = v + h
					up := evaluate(t, c)
					in.data[j] = v - h
					numeric[j] = (up - evaluate(t, c)) / (2 * h)
					in.data[j] = v
				}
				checkClose(t, fmt.Sprintf("gradient of input %d", i), exact[i], numeric, 1e-8)
			}
		})
	}
}

// weighted is a scalar to which every element of the output contributes with a different weight.
func weighted(s *autograd.Scope, out *autograd.Tensor) *autograd.Tensor {
	return s.Sum(s.Mul(out, random(99, out.Shape()...).tensor(s)))
}

func backward(t *testing.T, c gradCase) (grads [][]float64) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		var in []*autograd.Tensor
		for _, a := range c.inputs {
			in = append(in, s.RequireGrad(a.tensor(s)))
		}
		s.Backward(weighted(s, c.f(s, slices.Clone(in))))
		for _, g := range autograd.GradsOf(s, in) {
			grads = append(grads, autograd.ToSlice[float64](s, g))
		}
	})
	if len(grads) != len(c.inputs) {
		t.FailNow()
	}
	return grads
}

func evaluate(t *testing.T, c gradCase) (v float64) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		var in []*autograd.Tensor
		for _, a := range c.inputs {
			in = append(in, a.tensor(s))
		}
		v = s.Item(weighted(s, c.f(s, in)))
	})
	return v
}

// TestGradientLifetime: gradients accumulate until they are released, and leaves without one are
// named.
func TestGradientLifetime(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		x := s.RequireGrad(autograd.FromSlice(s, []float64{1, 2}, 2))
		if s.Grad(x) != nil {
			t.Error("a gradient before Backward")
		}
		for i, want := range []float64{3, 6} {
			s.Backward(s.Sum(s.Scale(x, 3)))
			checkClose(t, fmt.Sprintf("after %d passes", i+1), autograd.ToSlice[float64](s, s.Grad(x)), []float64{want, want}, 0)
		}
		autograd.ZeroGrads(s, autograd.List{x})
		if s.Grad(x) != nil {
			t.Error("a gradient after ZeroGrads")
		}
		s.Backward(s.Sum(s.Mul(x, s.Detach(x))))
		checkClose(t, "detached factor is a constant", autograd.ToSlice[float64](s, s.Grad(x)), []float64{1, 2}, 0)
	})
	err := failing(t, func(s *autograd.Scope) error {
		a, b := s.RequireGrad(s.Zeros(autograd.Float32, autograd.CPU, 2)), s.RequireGrad(s.Zeros(autograd.Float32, autograd.CPU, 3))
		s.Backward(s.Sum(a))
		if autograd.GradsOf(s, autograd.List{a, b}) != nil {
			t.Error("gradients in spite of the missing one")
		}
		return s.Err()
	})
	if text := err.Error(); !strings.Contains(text, "leaf 1") || !strings.Contains(text, "float32[3]") {
		t.Errorf("the error does not name the leaf: %v", err)
	}
	if err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		s.Backward(s.Zeros(autograd.Float32, autograd.CPU))
		return nil
	}); err == nil || !strings.Contains(err.Error(), "backward") {
		t.Errorf("Backward from a constant: %v", err)
	}
}
