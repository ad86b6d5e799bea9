package onnx

import (
	"math"
	"slices"
	"testing"
)

// An interpreter of the operations in float64, written after the specification of ONNX.

// array is a tensor in row-major order.
type array struct {
	shape  []int
	values []float64
}

func newArray(shape ...int) array {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return array{shape, make([]float64, n)}
}

// evaluate runs a model and returns its output. It compares the shape of each result with the one that the file has for it.
func (m decodedModel) evaluate(t *testing.T, input array) array {
	t.Helper()
	values := map[string]array{"input": input}
	for name, d := range m.tensors {
		a := newArray(d.shape...)
		for i, v := range d.values {
			a.values[i] = float64(v)
		}
		values[name] = a
	}
	for _, n := range m.nodes {
		var in []array
		for _, name := range n.inputs {
			a, ok := values[name]
			if !ok {
				t.Fatalf("node %q reads %q, which nothing before it gives", n.name, name)
			}
			in = append(in, a)
		}
		compute, ok := interpreters[n.operation]
		if !ok {
			t.Fatalf("node %q has the operation %s", n.name, n.operation)
		}
		if _, taken := values[n.outputs[0]]; taken || len(n.outputs) != 1 {
			t.Fatalf("node %q gives %q, not one new value", n.name, n.outputs)
		}
		out := compute(n, in)
		values[n.outputs[0]] = out
		if v, ok := m.between[n.outputs[0]]; ok && !slices.Equal(v.shape, out.shape[1:]) {
			t.Errorf("%s has the shape %v, in the file %v", n.name, out.shape, v.shape)
		}
	}
	out := values["logits"]
	if v := m.outputs["logits"]; len(m.outputs) != 1 || !slices.Equal(v.shape, out.shape[1:]) {
		t.Errorf("the logits have the shape %v, in the file %v", out.shape, v.shape)
	}
	return out
}

var interpreters = map[string]func(n decodedNode, in []array) array{
	"Conv":               runConv,
	"BatchNormalization": runBatchNorm,
	"Relu":               elementwise(func(x, _ float64) float64 { return max(x, 0) }),
	"Clip": func(_ decodedNode, in []array) array {
		return elementwise(func(x, _ float64) float64 { return min(max(x, in[1].values[0]), in[2].values[0]) })(decodedNode{}, in[:1])
	},
	"Add":               elementwise(func(x, y float64) float64 { return x + y }),
	"Sub":               elementwise(func(x, y float64) float64 { return float64(float32(x - y)) }),
	"Div":               elementwise(func(x, y float64) float64 { return float64(float32(x / y)) }),
	"Cast":              elementwise(func(x, _ float64) float64 { return x }),
	"Transpose":         runTranspose,
	"MaxPool":           runMaxPool,
	"GlobalAveragePool": runGlobalAveragePool,
	"Flatten": func(_ decodedNode, in []array) array {
		return array{[]int{in[0].shape[0], len(in[0].values) / in[0].shape[0]}, in[0].values}
	},
	"Gemm": runGemm,
}

// elementwise has as second operand one of the same shape, (C, 1, 1) or a scalar.
func elementwise(f func(x, y float64) float64) func(decodedNode, []array) array {
	return func(_ decodedNode, in []array) array {
		out := newArray(in[0].shape...)
		for i, x := range in[0].values {
			y := 0.0
			if len(in) > 1 {
				switch b := in[1]; {
				case len(b.shape) == 0:
					y = b.values[0]
				case len(b.values) == len(out.values):
					y = b.values[i]
				default:
					y = b.values[i/(out.shape[2]*out.shape[3])%len(b.values)]
				}
			}
			out.values[i] = f(x, y)
		}
		return out
	}
}

// window calls visit for each output of a window with the positions of the input that it covers, -1 for padding.
func window(n decodedNode, in array, visit func(i, row, column int, at func(y, x int) int)) (height, width int) {
	kernel, pads, strides := n.ints["kernel_shape"], n.ints["pads"], n.ints["strides"]
	h, w := in.shape[2], in.shape[3]
	height = (h+int(pads[0]+pads[2]-kernel[0]))/int(strides[0]) + 1
	width = (w+int(pads[1]+pads[3]-kernel[1]))/int(strides[1]) + 1
	for row := range height {
		for column := range width {
			visit(row*width+column, row, column, func(y, x int) int {
				r, c := row*int(strides[0])-int(pads[0])+y, column*int(strides[1])-int(pads[1])+x
				if r < 0 || r >= h || c < 0 || c >= w {
					return -1
				}
				return r*w + c
			})
		}
	}
	return height, width
}

func runConv(n decodedNode, in []array) array {
	x, weight := in[0], in[1]
	channels, outs, perGroup, k := x.shape[1], weight.shape[0], weight.shape[1], weight.shape[2]
	group := int(n.ints["group"][0])
	height, width := window(n, x, func(int, int, int, func(int, int) int) {})
	out := newArray(x.shape[0], outs, height, width)
	plane := x.shape[2] * x.shape[3]
	for b := range x.shape[0] {
		for o := range outs {
			window(n, x, func(i, _, _ int, at func(y, x int) int) {
				sum := 0.0
				if len(in) > 2 {
					sum = in[2].values[o]
				}
				for c := range perGroup {
					from := (b*channels + o/(outs/group)*perGroup + c) * plane
					for y := range k {
						for z := range k {
							if p := at(y, z); p >= 0 {
								sum += x.values[from+p] * weight.values[((o*perGroup+c)*k+y)*k+z]
							}
						}
					}
				}
				out.values[(b*outs+o)*height*width+i] = sum
			})
		}
	}
	return out
}

func runMaxPool(n decodedNode, in []array) array {
	x := in[0]
	height, width := window(n, x, func(int, int, int, func(int, int) int) {})
	out := newArray(x.shape[0], x.shape[1], height, width)
	kernel := n.ints["kernel_shape"]
	for p := range x.shape[0] * x.shape[1] {
		window(n, x, func(i, _, _ int, at func(y, x int) int) {
			greatest := math.Inf(-1)
			for y := range int(kernel[0]) {
				for z := range int(kernel[1]) {
					if q := at(y, z); q >= 0 {
						greatest = max(greatest, x.values[p*x.shape[2]*x.shape[3]+q])
					}
				}
			}
			out.values[p*height*width+i] = greatest
		})
	}
	return out
}

func runBatchNorm(n decodedNode, in []array) array {
	out := newArray(in[0].shape...)
	plane := out.shape[2] * out.shape[3]
	for i, x := range in[0].values {
		c := i / plane % out.shape[1]
		out.values[i] = (x-in[3].values[c])/math.Sqrt(in[4].values[c]+float64(n.floats["epsilon"]))*in[1].values[c] + in[2].values[c]
	}
	return out
}

func runGlobalAveragePool(_ decodedNode, in []array) array {
	out := newArray(in[0].shape[0], in[0].shape[1], 1, 1)
	plane := in[0].shape[2] * in[0].shape[3]
	for i, x := range in[0].values {
		out.values[i/plane] += x / float64(plane)
	}
	return out
}

// runGemm has the second operand transposed.
func runGemm(n decodedNode, in []array) array {
	rows, inner, columns := in[0].shape[0], in[0].shape[1], in[1].shape[0]
	out := newArray(rows, columns)
	if n.ints["transB"][0] != 1 {
		return out
	}
	for r := range rows {
		for c := range columns {
			sum := 0.0
			if len(in) > 2 {
				sum = in[2].values[c]
			}
			for k := range inner {
				sum += in[0].values[r*inner+k] * in[1].values[c*inner+k]
			}
			out.values[r*columns+c] = sum
		}
	}
	return out
}

func runTranspose(n decodedNode, in []array) array {
	perm, from := n.ints["perm"], in[0].shape
	var shape []int
	for _, p := range perm {
		shape = append(shape, from[p])
	}
	out := newArray(shape...)
	for i := range out.values {
		index, rest := make([]int, len(shape)), i
		for axis := len(shape) - 1; axis >= 0; axis-- {
			index[perm[axis]], rest = rest%shape[axis], rest/shape[axis]
		}
		source := 0
		for axis, d := range from {
			source = source*d + index[axis]
		}
		out.values[i] = in[0].values[source]
	}
	return out
}
