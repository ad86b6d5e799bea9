package onnx

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/formats/deploy/deploytest"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// write returns the file of weights.
func write(t *testing.T, w weights.Weights, keep bool, o Options) []byte {
	t.Helper()
	n, err := deploy.New(w, deploy.Options{KeepBatchNorm: keep})
	if err != nil {
		t.Fatal(err)
	}
	m, err := Encode(n, o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	if int64(b.Len()) != m.message.Size() {
		t.Errorf("%d bytes, announced %d", b.Len(), m.message.Size())
	}
	return b.Bytes()
}

func images(c deploytest.Case) array {
	in := c.Weights.Graph.Input
	a := newArray(deploytest.Batch, in.Channels, in.Height, in.Width)
	for i, v := range c.Images {
		a.values[i] = float64(v)
	}
	return a
}

// difference is the largest one of two lists; infinite if their lengths differ or a value is NaN.
func difference(got, want []float64) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	worst := 0.0
	for i := range got {
		if d := math.Abs(got[i] - want[i]); !(d <= worst) {
			worst = d
		}
	}
	if math.IsNaN(worst) {
		return math.Inf(1)
	}
	return worst
}

// TestModels: every kind of layers computes what PyTorch computes.
func TestModels(t *testing.T) {
	for _, c := range deploytest.Cases(t) {
		for _, o := range []struct {
			name      string
			keep      bool
			options   Options
			tolerance float64 // of logits up to 10
		}{
			{"folded", false, Options{}, 1e-6},               // weights rounded once to float32; measured 2.9e-7
			{"batch norm kept", true, Options{}, 1e-9},       // epsilon as float32; measured 1.1e-10
			{"float16", false, Options{Float16: true}, 1e-2}, // 11 bits; measured 4.4e-3
		} {
			t.Run(c.Name+" "+o.name, func(t *testing.T) {
				m := decode(t, write(t, c.Weights, o.keep, o.options))
				got := m.evaluate(t, images(c))
				d := difference(got.values, c.Logits)
				t.Logf("largest difference %.2g", d)
				if d > o.tolerance {
					t.Errorf("largest difference %.2g, %.2g allowed; got %v, want %v", d, o.tolerance, got.values, c.Logits)
				}
			})
		}
	}
}

// TestHeader: what programs read before the network.
func TestHeader(t *testing.T) {
	c := deploytest.Cases(t)[0]
	m := decode(t, write(t, c.Weights, false, Options{Version: "v1.2.3", Metadata: map[string]string{"best": "{}", "größe": "\xff"}}))
	if m.ir != 8 || m.opset != 17 || m.producer != "depthwise" || m.version != "v1.2.3" || m.name != c.Name {
		t.Errorf("%+v", m)
	}
	in := c.Weights.Graph.Input
	if v := m.inputs["input"]; len(m.inputs) != 1 || v.element != 1 || v.batch != "N" || !slices.Equal(v.shape, []int{in.Channels, in.Height, in.Width}) {
		t.Errorf("inputs %+v", m.inputs)
	}
	if v := m.outputs["logits"]; len(m.outputs) != 1 || v.element != 1 || v.batch != "N" || !slices.Equal(v.shape, []int{3}) {
		t.Errorf("outputs %+v", m.outputs)
	}
	for key, want := range map[string]string{"best": "{}", "größe": "\uFFFD", "imgsz": "[14, 11]",
		"names": `{0: "größe \"0\"", 1: "größe \"1\"", 2: "größe \"2\""}`} {
		if m.metadata[key] != want {
			t.Errorf("metadata %s: %s, want %s", key, m.metadata[key], want)
		}
	}
}

// TestPythonNames: literals of Python as repr or JSON would write them.
func TestPythonNames(t *testing.T) {
	for _, c := range []struct {
		name    string
		classes []string
		want    string
	}{
		{"none", nil, "{}"},
		{"two", []string{"cat", "dog"}, `{0: "cat", 1: "dog"}`},
		{"quotes and backslash", []string{`a"b'c\`}, `{0: "a\"b'c\\"}`},
		{"newline and control", []string{"a\n\x01"}, `{0: "a\n\u0001"}`},
		{"beyond U+FFFF", []string{"😀"}, `{0: "😀"}`},
		{"line separator, which Python does not need escaped", []string{"\u2028"}, `{0: "\u2028"}`},
		{"braces", []string{"{0: x}"}, `{0: "{0: x}"}`},
	} {
		if got := pythonNames(c.classes); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestArraysKeepNamesAndBits: with batch norms kept, the file has all arrays of the weights, bit by bit, NaN too.
func TestArraysKeepNamesAndBits(t *testing.T) {
	for _, c := range deploytest.Cases(t) {
		values, err := c.Weights.Values()
		if err != nil {
			t.Fatal(err)
		}
		first := values[c.Weights.Graph.Arrays()[0].Name]
		first[0], first[1] = math.Float32frombits(0x7fc12345), float32(math.Inf(-1))
		m := decode(t, write(t, c.Weights, true, Options{}))
		for _, a := range c.Weights.Graph.Arrays() {
			got, ok := m.tensors[a.Name]
			same := slices.EqualFunc(got.values, values[a.Name], func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
			if !ok || !same || len(got.shape) != len(a.Shape) {
				t.Errorf("%s: array %q has another name, shape or values", c.Name, a.Name)
			}
		}
	}
}

// TestNamesAreUnique: inputs, arrays and results share a namespace, and node names are unique too.
func TestNamesAreUnique(t *testing.T) {
	for _, c := range deploytest.Cases(t) {
		m := decode(t, write(t, c.Weights, false, Options{Uint8Input: c.Weights.Graph.Input.Channels == 3, Float16: true}))
		values, nodes := map[string]bool{"input": true}, map[string]bool{}
		for _, name := range m.tensorNames {
			if values[name] || name == "" {
				t.Errorf("%s: array name %q is taken or empty", c.Name, name)
			}
			values[name] = true
		}
		for _, n := range m.nodes {
			if values[n.outputs[0]] || nodes[n.name] || n.name == "" {
				t.Errorf("%s: name %q of a node, or %q of its result, is taken", c.Name, n.name, n.outputs[0])
			}
			values[n.outputs[0]], nodes[n.name] = true, true
		}
	}
}

// TestInvalidNames: names that are no UTF-8, and differ only in what is none, are distinct in the file.
func TestInvalidNames(t *testing.T) {
	x := models.Input(models.Shape{Channels: 3, Height: 4, Width: 4})
	y := x.Conv(models.Conv{Out: 2}).Named("a\xff").ReLU().Conv(models.Conv{Out: 2, Bias: true}).Named("a\xfe").GlobalAvgPool()
	g, err := models.Build("\xff", y)
	if err != nil {
		t.Fatal(err)
	}
	w, err := deploytest.Weights(g)
	if err != nil {
		t.Fatal(err)
	}
	m := decode(t, write(t, w, false, Options{}))
	if want := []string{"a\uFFFD.weight", "a\uFFFD.weight_1", "a\uFFFD.bias"}; !slices.Equal(m.tensorNames, want) {
		t.Errorf("arrays %q, want %q", m.tensorNames, want)
	}
	if got := m.evaluate(t, newArray(1, 3, 4, 4)); len(got.values) != 2 {
		t.Errorf("%v", got)
	}
}

// TestUint8Input: pixels are normalized to the bits that training computes: (v/255 - mean) / std in float32.
func TestUint8Input(t *testing.T) {
	for _, c := range deploytest.Cases(t) {
		in := c.Weights.Graph.Input
		if in.Channels != 3 {
			n, err := deploy.New(c.Weights, deploy.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Encode(n, Options{Uint8Input: true}); err == nil || !strings.Contains(err.Error(), "--uint8-input=false") {
				t.Errorf("%s: error %v", c.Name, err)
			}
			continue
		}
		p := c.Weights.Preprocess
		pixels, normalized := newArray(1, in.Height, in.Width, 3), newArray(1, 3, in.Height, in.Width)
		for i := range pixels.values {
			v := i * 7 % 256
			pixels.values[i] = float64(v)
			x := (float32(v)/255 - float32(p.Mean[i%3])) / float32(p.Std[i%3])
			normalized.values[i%3*in.Height*in.Width+i/3] = float64(x)
		}
		m := decode(t, write(t, c.Weights, false, Options{Uint8Input: true}))
		if v := m.inputs["input"]; v.element != 2 || !slices.Equal(v.shape, []int{in.Height, in.Width, 3}) {
			t.Errorf("%s: input %+v", c.Name, v)
		}
		got := m.evaluate(t, pixels)
		want := decode(t, write(t, c.Weights, false, Options{})).evaluate(t, normalized)
		if !slices.Equal(got.values, want.values) {
			t.Errorf("%s: logits %v, want %v", c.Name, got.values, want.values)
		}
	}
}

// TestFloat16: weights of convolutions and linear layers are halves, all else is float32.
func TestFloat16(t *testing.T) {
	c := deploytest.Cases(t)[0]
	for name, d := range decode(t, write(t, c.Weights, true, Options{Float16: true})).tensors {
		if (d.element == 10) != (len(d.shape) > 1) {
			t.Errorf("%s of shape %v has type %d", name, d.shape, d.element)
		}
	}
}

// TestRefuses: what a file cannot hold is an error before anything is written.
func TestRefuses(t *testing.T) {
	conv := func(values []float32, side int) deploy.Layer {
		l := models.Layer{Kind: models.KindConv, Inputs: []string{models.InputName}, Out: 1, Kernel: side, Stride: 1, Groups: 1, In: models.Shape{Channels: 1}}
		return deploy.Layer{Layer: l, Weight: values}
	}
	big := deploy.Network{Name: "big"}
	piece := make([]float32, 1<<22)
	for i := range 1 << 7 { // 2 GiB of weights, in 16 MiB of memory
		l := conv(piece, 1<<11)
		l.Name = fmt.Sprint(i)
		big.Layers = append(big.Layers, l)
	}
	strange := conv(piece[:1], 1)
	strange.Kind, strange.Name = "attention", "blocks.0"
	gelu := conv(piece[:1], 1)
	gelu.Name, gelu.Activation = "stem", &models.Activation{Function: "gelu"}
	wide := conv([]float32{1, 65520}, 1)
	wide.Name = "head"
	lost := conv(piece[:1], 1)
	lost.Name, lost.Inputs = "head", []string{"pool"}
	for _, c := range []struct {
		name    string
		network deploy.Network
		o       Options
		want    string
	}{
		{"more than 2 GiB", big, Options{}, "ONNX files have at most 2147483647"},
		{"a kind of layers", deploy.Network{Layers: []deploy.Layer{strange}}, Options{}, `layer "blocks.0": layers of kind attention are not exported; use --format safetensors`},
		{"an activation function", deploy.Network{Layers: []deploy.Layer{gelu}}, Options{}, `layer "stem": the activation function gelu`},
		{"no layers", deploy.Network{}, Options{}, "no layers"},
		{"an unknown input", deploy.Network{Layers: []deploy.Layer{lost}}, Options{}, `layer "head" reads "pool"`},
		{"pixels without a std", deploy.Network{Input: models.Shape{Channels: 3, Height: 1, Width: 1}, Layers: []deploy.Layer{gelu}}, Options{Uint8Input: true}, "std [0 0 0]"},
		{"beyond float16", deploy.Network{Layers: []deploy.Layer{wide}}, Options{Float16: true}, `array "head.weight" holds 65520, float16 at most 65504: export it with --dtype fp32`},
	} {
		if _, err := Encode(c.network, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
