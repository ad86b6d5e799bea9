package autograd_test

import (
	"math"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// TestValues compares every operation with values computed by hand.
func TestValues(t *testing.T) {
	type tensor = *autograd.Tensor
	x, y := square2(1, 2, 3, 4), square2(10, 20, 30, 40)
	row := array{data: []float64{100, 200}, shape: []int64{2}}
	kinks := array{data: []float64{-2, -0.5, 0, 0.5, 6, 7}, shape: []int64{6}}
	planes := array{data: []float64{1, 2, 3, 4, 10, 20, 30, 40}, shape: []int64{1, 2, 2, 2}}
	e := math.Exp
	two := []int64{2, 2}
	for _, c := range []struct {
		name  string
		op    func(s *autograd.Scope) tensor
		shape []int64
		want  []float64
	}{
		{"add", func(s *autograd.Scope) tensor { return s.Add(x.tensor(s), y.tensor(s)) }, two, []float64{11, 22, 33, 44}},
		{"add a row", func(s *autograd.Scope) tensor { return s.Add(x.tensor(s), row.tensor(s)) }, two, []float64{101, 202, 103, 204}},
		{"subtract", func(s *autograd.Scope) tensor { return s.Subtract(x.tensor(s), y.tensor(s)) }, two, []float64{-9, -18, -27, -36}},
		{"mul", func(s *autograd.Scope) tensor { return s.Mul(x.tensor(s), y.tensor(s)) }, two, []float64{10, 40, 90, 160}},
		{"div", func(s *autograd.Scope) tensor { return s.Div(x.tensor(s), y.tensor(s)) }, two, []float64{0.1, 0.1, 0.1, 0.1}},
		{"div by a row", func(s *autograd.Scope) tensor { return s.Div(x.tensor(s), row.tensor(s)) }, two, []float64{0.01, 0.01, 0.03, 0.02}},
		{"scale", func(s *autograd.Scope) tensor { return s.Scale(x.tensor(s), -1.5) }, two, []float64{-1.5, -3, -4.5, -6}},
		{"add scalar", func(s *autograd.Scope) tensor { return s.AddScalar(x.tensor(s), 0.25) }, two, []float64{1.25, 2.25, 3.25, 4.25}},
		{"square", func(s *autograd.Scope) tensor { return s.Square(x.tensor(s)) }, two, []float64{1, 4, 9, 16}},
		{"sum", func(s *autograd.Scope) tensor { return s.Sum(x.tensor(s)) }, nil, []float64{10}},
		{"mean", func(s *autograd.Scope) tensor { return s.Mean(x.tensor(s)) }, nil, []float64{2.5}},
		{"matmul", func(s *autograd.Scope) tensor { return s.Matmul(x.tensor(s), y.tensor(s)) }, two, []float64{70, 100, 150, 220}},
		{"reshape", func(s *autograd.Scope) tensor { return s.Reshape(x.tensor(s), 4, -1) }, []int64{4, 1}, []float64{1, 2, 3, 4}},
		{"reshape to a scalar", func(s *autograd.Scope) tensor { return s.Reshape(s.Sum(x.tensor(s))) }, nil, []float64{10}},
		{"softmax of rows", func(s *autograd.Scope) tensor { return s.Softmax(x.tensor(s), 1) }, two,
			[]float64{1 / (1 + e(1)), e(1) / (1 + e(1)), 1 / (1 + e(1)), e(1) / (1 + e(1))}},
		{"softmax of columns", func(s *autograd.Scope) tensor { return s.Softmax(x.tensor(s), 0) }, two,
			[]float64{1 / (1 + e(2)), 1 / (1 + e(2)), e(2) / (1 + e(2)), e(2) / (1 + e(2))}},
		{"log softmax of huge values", func(s *autograd.Scope) tensor { return s.LogSoftmax(s.AddScalar(x.tensor(s), 1e4), 1) }, two,
			[]float64{-math.Log(1 + e(1)), 1 - math.Log(1+e(1)), -math.Log(1 + e(1)), 1 - math.Log(1+e(1))}},
		{"relu", func(s *autograd.Scope) tensor { return s.ReLU(kinks.tensor(s)) }, []int64{6}, []float64{0, 0, 0, 0.5, 6, 7}},
		{"relu in place", func(s *autograd.Scope) tensor { return s.ReLUInPlace(kinks.tensor(s)) }, []int64{6}, []float64{0, 0, 0, 0.5, 6, 7}},
		{"relu6", func(s *autograd.Scope) tensor { return s.ReLU6(kinks.tensor(s)) }, []int64{6}, []float64{0, 0, 0, 0.5, 6, 6}},
		{"relu6 in place", func(s *autograd.Scope) tensor { return s.ReLU6InPlace(kinks.tensor(s)) }, []int64{6}, []float64{0, 0, 0, 0.5, 6, 6}},
		{"global average pool", func(s *autograd.Scope) tensor { return s.GlobalAvgPool(planes.tensor(s)) }, []int64{1, 2}, []float64{2.5, 25}},
		{"pad2d: left 1, right 0, top 0, bottom 1", func(s *autograd.Scope) tensor { return s.Pad2d(planes.tensor(s), 1, 0, 0, 1) }, []int64{1, 2, 3, 3},
			[]float64{0, 1, 2, 0, 3, 4, 0, 0, 0, 0, 10, 20, 0, 30, 40, 0, 0, 0}},
		{"pad2d: right 1, top 1", func(s *autograd.Scope) tensor { return s.Pad2d(planes.tensor(s), 0, 1, 1, 0) }, []int64{1, 2, 3, 3},
			[]float64{0, 0, 0, 1, 2, 0, 3, 4, 0, 0, 0, 0, 10, 20, 0, 30, 40, 0}},
		{"pad2d with another value", func(s *autograd.Scope) tensor {
			return s.PadValue2d(planes.tensor(s), autograd.Sides{Left: 1, Bottom: 1}, -7)
		}, []int64{1, 2, 3, 3}, []float64{-7, 1, 2, -7, 3, 4, -7, -7, -7, -7, 10, 20, -7, 30, 40, -7, -7, -7}},
		{"linear", func(s *autograd.Scope) tensor { return s.Linear(x.tensor(s), y.tensor(s), row.tensor(s)) }, two, []float64{150, 310, 210, 450}},
		{"linear without bias", func(s *autograd.Scope) tensor { return s.Linear(x.tensor(s), y.tensor(s), nil) }, two, []float64{50, 110, 110, 250}},
		{"dropout of nothing", func(s *autograd.Scope) tensor { return s.Dropout(x.tensor(s), 0) }, two, x.data},
		{"channels last", func(s *autograd.Scope) tensor { return s.ChannelsLast(planes.tensor(s)) }, planes.shape, planes.data},
		{"detach", func(s *autograd.Scope) tensor { return s.Detach(x.tensor(s)) }, two, x.data},
		{"to int64 cuts off", func(s *autograd.Scope) tensor { return s.To(s.Scale(x.tensor(s), 1.9), autograd.Int64) }, two, []float64{1, 3, 5, 7}},
		{"to bfloat16 keeps 8 bits", func(s *autograd.Scope) tensor { return s.To(s.AddScalar(x.tensor(s), 256), autograd.BFloat16) }, two, []float64{256, 258, 260, 260}},
		{"zeros", func(s *autograd.Scope) tensor { return s.Zeros(autograd.Float32, autograd.CPU, 2, 2) }, two, []float64{0, 0, 0, 0}},
		{"zero, a scalar", func(s *autograd.Scope) tensor { return s.Zeros(autograd.Float64, autograd.CPU) }, nil, []float64{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				out := c.op(s)
				if got := out.Shape(); !slices.Equal(got, c.shape) {
					t.Errorf("shape %v, want %v", got, c.shape)
				}
				checkClose(t, "value", autograd.ToSlice[float64](s, out), c.want, 1e-14) // a few float64 roundings
			})
		})
	}
}

// TestInPlaceOverwrites: in-place operations modify their input and return it.
func TestInPlaceOverwrites(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		for name, op := range map[string]func(*autograd.Tensor) *autograd.Tensor{"relu_": s.ReLUInPlace, "relu6_": s.ReLU6InPlace} {
			x := autograd.FromSlice(s, []float64{-1, 9}, 2)
			if op(x) != x {
				t.Errorf("%s returns another tensor", name)
			}
			if v := autograd.ToSlice[float64](s, x); v[0] != 0 {
				t.Errorf("%s leaves %v", name, v)
			}
		}
	})
}
