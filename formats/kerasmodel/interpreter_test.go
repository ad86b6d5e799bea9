package kerasmodel

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"depthwise.dev/formats/hdf5"
)

// described is config.json, as far as it is needed to compute the model.
type described struct {
	Config struct {
		Layers []struct {
			Class  string `json:"class_name"`
			Config settings
			Nodes  []struct{ Args []json.RawMessage } `json:"inbound_nodes"`
		}
		Output []any `json:"output_layers"`
	}
}

// settings are those of all classes of layers.
type settings struct {
	Name       string
	Kernel     [2]int `json:"kernel_size"`
	Strides    [2]int
	PoolSize   [2]int `json:"pool_size"`
	Padding    json.RawMessage
	Cropping   [2][2]int
	Filters    int
	Groups     int
	Multiplier int  `json:"depth_multiplier"`
	UseBias    bool `json:"use_bias"`
	Activation string
	Epsilon    float64
	MaxValue   *float64 `json:"max_value"`
	Units      int
	Target     []int `json:"target_shape"`
	Keepdims   bool
	BatchShape []any `json:"batch_shape"`
	Dims       []int
	Mean       []float64
	Variance   []float64
}

// tensor is an array of one image: (rows, columns, channels), or (channels).
type tensor struct {
	shape []int
	v     []float64
}

func newTensor(shape ...int) tensor { return tensor{shape, make([]float64, size(shape))} }

// at is the index of a position, -1 outside.
func (t tensor) at(y, x, c int) int {
	if y < 0 || x < 0 || y >= t.shape[0] || x >= t.shape[1] {
		return -1
	}
	return (y*t.shape[1]+x)*t.shape[2] + c
}

// interpret computes a model from its configuration and the datasets of its weights file, as Keras documents its layers. The
// shapes that the configuration states are compared with those that result.
func interpret(t *testing.T, config []byte, datasets map[string]hdf5.Array, image tensor) []float64 {
	t.Helper()
	var d described
	if err := json.Unmarshal(config, &d); err != nil {
		t.Fatal(err)
	}
	results, count := map[string]tensor{}, map[string]int{}
	for _, l := range d.Config.Layers {
		class := snakeCase(l.Class)
		store := class
		if n := count[class]; n > 0 {
			store = fmt.Sprintf("%s_%d", class, n)
		}
		count[class]++
		variable := func(n int) hdf5.Array { return datasets[fmt.Sprintf("layers/%s/vars/%d", store, n)] }
		inputs := []tensor{image}
		if l.Class != "InputLayer" {
			inputs = arguments(t, l.Nodes[0].Args[0], results)
		}
		y := l.Config.compute(t, l.Class, inputs, variable)
		if l.Config.Activation == "softmax" {
			y.v = softmax(y.v)
		}
		results[l.Config.Name] = y
	}
	return results[d.Config.Output[0].(string)].v
}

// arguments are the tensors of a call: one, or a list.
func arguments(t *testing.T, arg json.RawMessage, results map[string]tensor) []tensor {
	t.Helper()
	type reference struct {
		Config struct {
			Shape   []*int
			History []any `json:"keras_history"`
		}
	}
	var list []reference
	if json.Unmarshal(arg, &list) != nil {
		list = make([]reference, 1)
		if err := json.Unmarshal(arg, &list[0]); err != nil {
			t.Fatal(err)
		}
	}
	var tensors []tensor
	for _, r := range list {
		x, ok := results[r.Config.History[0].(string)]
		if !ok || len(r.Config.Shape) != len(x.shape)+1 {
			t.Fatalf("the input %v of shape %v is not computed before, or has the shape %v", r.Config.History, r.Config.Shape, x.shape)
		}
		for i, d := range x.shape {
			if *r.Config.Shape[i+1] != d {
				t.Errorf("%v: shape %v of the configuration, computed %v", r.Config.History[0], *r.Config.Shape[i+1], x.shape)
			}
		}
		tensors = append(tensors, x)
	}
	return tensors
}

func (s settings) compute(t *testing.T, class string, inputs []tensor, variable func(int) hdf5.Array) tensor {
	x := inputs[0]
	switch class {
	case "InputLayer", "Dropout", "Activation":
		return x
	case "Normalization":
		return x.each(func(v float64, c int) float64 { return (v - s.Mean[c]) / math.Sqrt(s.Variance[c]) })
	case "BatchNormalization":
		of := func(n, c int) float64 { return float64(variable(n).Values[c]) }
		return x.each(func(v float64, c int) float64 { return (v-of(2, c))/math.Sqrt(of(3, c)+s.Epsilon)*of(0, c) + of(1, c) })
	case "ReLU":
		return x.each(func(v float64, _ int) float64 {
			if v = max(v, 0); s.MaxValue != nil {
				v = min(v, *s.MaxValue)
			}
			return v
		})
	case "Add":
		y := newTensor(x.shape...)
		for i := range y.v {
			y.v[i] = x.v[i] + inputs[1].v[i]
		}
		return y
	case "Flatten":
		return tensor{[]int{len(x.v)}, x.v}
	case "Reshape":
		return tensor{s.Target, x.v}
	case "Permute":
		return s.permute(x)
	case "GlobalAveragePooling2D":
		return s.average(x)
	case "ZeroPadding2D":
		var p [2][2]int
		if err := json.Unmarshal(s.Padding, &p); err != nil {
			t.Fatal(err)
		}
		return x.shifted(p[0][0], p[1][0], x.shape[0]+p[0][0]+p[0][1], x.shape[1]+p[1][0]+p[1][1])
	case "Cropping2D":
		c := s.Cropping
		return x.shifted(-c[0][0], -c[1][0], x.shape[0]-c[0][0]-c[0][1], x.shape[1]-c[1][0]-c[1][1])
	case "MaxPooling2D":
		return s.window(t, x, s.PoolSize[0], x.shape[2], func(c int) (float64, func(float64, float64, int, int) float64) {
			return math.Inf(-1), func(sum, v float64, _, from int) float64 {
				if from != c {
					return sum
				}
				return max(sum, v)
			}
		})
	case "Conv2D", "DepthwiseConv2D":
		return s.convolution(t, class, x, variable)
	case "Dense":
		return s.dense(x, variable)
	}
	t.Fatalf("a layer of class %s", class)
	return x
}

func (x tensor) each(f func(v float64, channel int) float64) tensor {
	y := newTensor(x.shape...)
	for i, v := range x.v {
		y.v[i] = f(v, i%x.shape[len(x.shape)-1])
	}
	return y
}

func (s settings) permute(x tensor) tensor {
	y := newTensor(x.shape[s.Dims[0]-1], x.shape[s.Dims[1]-1], x.shape[s.Dims[2]-1])
	for a := range x.shape[0] {
		for b := range x.shape[1] {
			for c := range x.shape[2] {
				from := []int{a, b, c}
				y.v[y.at(from[s.Dims[0]-1], from[s.Dims[1]-1], from[s.Dims[2]-1])] = x.v[x.at(a, b, c)]
			}
		}
	}
	return y
}

func (s settings) average(x tensor) tensor {
	channels := x.shape[2]
	y := newTensor(channels)
	for i, v := range x.v {
		y.v[i%channels] += v * float64(channels) / float64(len(x.v))
	}
	if s.Keepdims {
		y.shape = []int{1, 1, channels}
	}
	return y
}

// shifted moves an image down and right into zeros of a size.
func (x tensor) shifted(down, right, rows, columns int) tensor {
	y := newTensor(rows, columns, x.shape[2])
	for r := range rows {
		for c := range columns {
			for channel := range x.shape[2] {
				if from := x.at(r-down, c-right, channel); from >= 0 {
					y.v[y.at(r, c, channel)] = x.v[from]
				}
			}
		}
	}
	return y
}

// window slides a window with TensorFlow's padding (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2).
// start returns, for an output channel, the first value and the function that adds an input of a tap and a channel.
func (s settings) window(t *testing.T, x tensor, kernel, channels int, start func(int) (float64, func(sum, v float64, tap, from int) float64)) tensor {
	t.Helper()
	var padding string
	if err := json.Unmarshal(s.Padding, &padding); err != nil {
		t.Fatal(err)
	}
	var out, before [2]int
	for i := range out {
		if padding == "valid" {
			out[i] = (x.shape[i]-kernel)/s.Strides[i] + 1
		} else {
			out[i] = (x.shape[i] + s.Strides[i] - 1) / s.Strides[i]
			before[i] = max((out[i]-1)*s.Strides[i]+kernel-x.shape[i], 0) / 2
		}
	}
	y := newTensor(out[0], out[1], channels)
	for r := range out[0] {
		for c := range out[1] {
			for o := range channels {
				sum, add := start(o)
				for tap := range kernel * kernel {
					for from := range x.shape[2] {
						if i := x.at(r*s.Strides[0]+tap/kernel-before[0], c*s.Strides[1]+tap%kernel-before[1], from); i >= 0 {
							sum = add(sum, x.v[i], tap, from)
						}
					}
				}
				y.v[y.at(r, c, o)] = sum
			}
		}
	}
	return y
}

// convolution has kernels of (rows, columns, in/groups, out), or (rows, columns, channels, multiplier).
func (s settings) convolution(t *testing.T, class string, x tensor, variable func(int) hdf5.Array) tensor {
	t.Helper()
	kernel, out, group, each := variable(0), s.Filters, 0, 0
	if class == "DepthwiseConv2D" {
		out, group, each = x.shape[2]*s.Multiplier, s.Multiplier, 1
	} else {
		group, each = out/s.Groups, x.shape[2]/s.Groups
	}
	return s.window(t, x, s.Kernel[0], out, func(o int) (float64, func(float64, float64, int, int) float64) {
		bias := 0.0
		if s.UseBias {
			bias = float64(variable(1).Values[o])
		}
		return bias, func(sum, v float64, tap, from int) float64 {
			i := from - o/group*each
			switch {
			case i < 0 || i >= each:
				return sum
			case class == "DepthwiseConv2D":
				return sum + v*float64(kernel.Values[(tap*x.shape[2]+from)*s.Multiplier+o%s.Multiplier])
			}
			return sum + v*float64(kernel.Values[(tap*each+i)*out+o])
		}
	})
}

func (s settings) dense(x tensor, variable func(int) hdf5.Array) tensor {
	y := newTensor(s.Units)
	for o := range y.v {
		if s.UseBias {
			y.v[o] = float64(variable(1).Values[o])
		}
		for i, v := range x.v {
			y.v[o] += v * float64(variable(0).Values[i*s.Units+o])
		}
	}
	return y
}
