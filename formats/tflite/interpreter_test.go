package tflite

import (
	"math"
	"slices"
	"testing"
)

// array are values of a shape, the last dimension the fastest.
type array struct {
	shape  []int
	values []float64
}

func zeros(shape ...int) array {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return array{shape, make([]float64, n)}
}

// at is the place of an element of a 4D array.
func (a array) at(i, j, k, l int) int {
	return ((i*a.shape[1]+j)*a.shape[2]+k)*a.shape[3] + l
}

// run computes the operators of a file in float64, as the documentation of TensorFlow's operators defines them, and checks
// each result's shape against the declared one.
func (p parsed) run(t testing.TB, input array) array {
	t.Helper()
	values := make([]array, len(p.tensors))
	for i, x := range p.tensors {
		if x.constant {
			values[i] = array{x.shape, x.values()}
		}
	}
	values[p.input] = input
	for _, o := range p.operators {
		var in []array
		for _, i := range o.inputs {
			if values[i].values == nil {
				t.Fatalf("operator %d reads tensor %d before it is computed", o.code, i)
			}
			in = append(in, values[i])
		}
		y := o.compute(t, in)
		declared := p.tensors[o.outputs[0]]
		if want := declared.signature; want != nil && len(want) > 0 && (want[0] != -1 || !slices.Equal(want[1:], y.shape[1:]) || !slices.Equal(declared.shape[1:], y.shape[1:]) || declared.shape[0] != 1) {
			t.Errorf("tensor %q: computed %v, declared %v and %v", declared.name, y.shape, declared.shape, want)
		}
		values[o.outputs[0]] = y
	}
	return values[p.output]
}

func (o parsedOperator) compute(t testing.TB, in []array) array {
	x := in[0]
	switch o.code {
	case opConv2D:
		return activated(o.convolve(x, in[1], in[2], x.shape[3]/in[1].shape[3]), o.options.byte(convActivation))
	case opDepthwiseConv2D:
		if m := o.options.number(depthwiseMultiplier, 0); m*x.shape[3] != in[1].shape[3] {
			t.Errorf("depth multiplier %d", m)
		}
		filters := zeros(in[1].shape[3], in[1].shape[1], in[1].shape[2], 1)
		for i := range filters.values {
			positions := in[1].shape[1] * in[1].shape[2]
			filters.values[i] = in[1].values[i%positions*in[1].shape[3]+i/positions]
		}
		return activated(o.convolve(x, filters, in[2], x.shape[3]), o.options.byte(depthwiseActivation))
	case opMaxPool2D:
		return activated(o.maxPool(x), o.options.byte(poolActivation))
	case opFullyConnected:
		y := zeros(x.shape[0], in[1].shape[0])
		for i := range y.values {
			n, out, size := i/y.shape[1], i%y.shape[1], x.shape[1]
			y.values[i] = in[2].values[out]
			for k := range size {
				y.values[i] += x.values[n*size+k] * in[1].values[out*size+k]
			}
		}
		return activated(y, o.options.byte(denseActivation))
	case opAdd, opMul:
		y := zeros(x.shape...)
		for i, v := range x.values {
			if b := in[1].values[i%len(in[1].values)]; o.code == opAdd {
				y.values[i] = v + b
			} else {
				y.values[i] = v * b
			}
		}
		return activated(y, o.options.byte(denseActivation))
	case opReLU:
		return activated(array{x.shape, slices.Clone(x.values)}, int(activationReLU))
	case opReLU6:
		return activated(array{x.shape, slices.Clone(x.values)}, int(activationReLU6))
	case opPad, opPadV2:
		return pad(x, in[1:])
	case opMean:
		y := zeros(x.shape[0], x.shape[3])
		for i, v := range x.values {
			positions := x.shape[1] * x.shape[2]
			y.values[i/(positions*x.shape[3])*x.shape[3]+i%x.shape[3]] += v / float64(positions)
		}
		return y
	case opTranspose:
		y := zeros(x.shape[0], x.shape[3], x.shape[1], x.shape[2])
		for i, v := range x.values {
			c, column, row, n := i%x.shape[3], i/x.shape[3]%x.shape[2], i/(x.shape[3]*x.shape[2])%x.shape[1], i/(x.shape[3]*x.shape[2]*x.shape[1])
			y.values[y.at(n, c, row, column)] = v
		}
		return y
	case opReshape:
		return array{[]int{len(x.values) / int(in[1].values[1]), int(in[1].values[1])}, x.values}
	case opCast, opDequantize:
		return x
	}
	t.Fatalf("operator %d is not one of the tests", o.code)
	return array{}
}

// start is the number of outputs along an axis, and the place of the first window.
func (o parsedOperator) start(size, kernel int) (count, first, stride int) {
	stride = o.options.number(convStrideWidth, 0)
	if scheme(o.options.byte(convPadding)) == schemeValid {
		return (size - kernel + stride) / stride, 0, stride
	}
	count = (size + stride - 1) / stride
	return count, -(max(0, (count-1)*stride+kernel-size) / 2), stride
}

// convolve computes filters (out, rows, columns, in/groups).
func (o parsedOperator) convolve(x, filters, bias array, groups int) array {
	rows, top, stride := o.start(x.shape[1], filters.shape[1])
	columns, left, _ := o.start(x.shape[2], filters.shape[2])
	y := zeros(x.shape[0], rows, columns, filters.shape[0])
	each := filters.shape[3]
	for i := range y.values {
		out, column, row, n := i%y.shape[3], i/y.shape[3]%columns, i/(y.shape[3]*columns)%rows, i/(y.shape[3]*columns*rows)
		sum := bias.values[out]
		for r := range filters.shape[1] {
			for c := range filters.shape[2] {
				h, w := row*stride+top+r, column*stride+left+c
				if h < 0 || h >= x.shape[1] || w < 0 || w >= x.shape[2] {
					continue
				}
				for k := range each {
					sum += x.values[x.at(n, h, w, out/(y.shape[3]/groups)*each+k)] * filters.values[filters.at(out, r, c, k)]
				}
			}
		}
		y.values[i] = sum
	}
	return y
}

func (o parsedOperator) maxPool(x array) array {
	height, width := o.options.number(poolHeight, 0), o.options.number(poolWidth, 0)
	rows, top, stride := o.start(x.shape[1], height)
	columns, left, _ := o.start(x.shape[2], width)
	y := zeros(x.shape[0], rows, columns, x.shape[3])
	for i := range y.values {
		channel, column, row, n := i%y.shape[3], i/y.shape[3]%columns, i/(y.shape[3]*columns)%rows, i/(y.shape[3]*columns*rows)
		y.values[i] = math.Inf(-1)
		for r := range height {
			for c := range width {
				if h, w := row*stride+top+r, column*stride+left+c; h >= 0 && h < x.shape[1] && w >= 0 && w < x.shape[2] {
					y.values[i] = max(y.values[i], x.values[x.at(n, h, w, channel)])
				}
			}
		}
	}
	return y
}

// pad pads rows and columns by the pairs of the first parameter with the second one, by default 0.
func pad(x array, parameters []array) array {
	by := parameters[0].values
	y := zeros(x.shape[0], x.shape[1]+int(by[2]+by[3]), x.shape[2]+int(by[4]+by[5]), x.shape[3])
	if len(parameters) > 1 {
		for i := range y.values {
			y.values[i] = parameters[1].values[0]
		}
	}
	for i, v := range x.values {
		c, column, row, n := i%x.shape[3], i/x.shape[3]%x.shape[2], i/(x.shape[3]*x.shape[2])%x.shape[1], i/(x.shape[3]*x.shape[2]*x.shape[1])
		y.values[y.at(n, row+int(by[2]), column+int(by[4]), c)] = v
	}
	return y
}

func activated(x array, function int) array {
	for i, v := range x.values {
		switch activation(function) {
		case activationReLU:
			x.values[i] = max(v, 0)
		case activationReLU6:
			x.values[i] = min(max(v, 0), 6)
		}
	}
	return x
}
