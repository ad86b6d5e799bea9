package tflite

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/models"
)

// operatorsOf lists the codes of a file's operators.
func operatorsOf(p parsed) (list []code) {
	for _, o := range p.operators {
		list = append(list, o.code)
	}
	return list
}

// TestPadding: an operator pads only where neither scheme of TensorFlow is what the layer does.
func TestPadding(t *testing.T) {
	for _, c := range []struct {
		name           string
		padding        models.Padding
		kernel, stride int
		height, width  int
		want           scheme
		pads           []float64 // of rows and columns; nil: no operator
	}{
		{"symmetric, stride 1", models.Symmetric, 3, 1, 6, 7, schemeSame, nil},
		{"symmetric, stride 2, odd sizes", models.Symmetric, 3, 2, 7, 9, schemeSame, nil},
		{"symmetric, stride 2, even sizes: the last row is not read", models.Symmetric, 3, 2, 6, 8, schemeValid, []float64{1, 0, 1, 0}},
		{"symmetric, stride 2, one size even", models.Symmetric, 3, 2, 7, 8, schemeValid, []float64{1, 1, 1, 0}},
		{"symmetric, even kernel", models.Symmetric, 2, 1, 5, 5, schemeValid, []float64{1, 1, 1, 1}},
		{"symmetric, 1x1", models.Symmetric, 1, 2, 6, 7, schemeValid, nil},
		{"same, stride 2, even sizes", models.Same, 3, 2, 6, 8, schemeSame, nil},
		{"same, stride 2, odd sizes", models.Same, 3, 2, 7, 9, schemeSame, nil},
		{"same, stride 1, even kernel", models.Same, 2, 1, 5, 5, schemeSame, nil},
		{"same, nothing to pad", models.Same, 2, 2, 6, 8, schemeValid, nil},
		{"bottom right, stride 2, even sizes", models.BottomRight, 3, 2, 6, 8, schemeSame, nil},
		{"bottom right, stride 2, odd sizes: the pad is not read", models.BottomRight, 3, 2, 7, 9, schemeValid, nil},
		{"bottom right, stride 1", models.BottomRight, 3, 1, 6, 6, schemeValid, []float64{0, 1, 0, 1}},
		{"valid", models.Valid, 3, 2, 8, 7, schemeValid, nil},
	} {
		for _, l := range []models.Layer{
			conv("w", 3, c.kernel, func(l *models.Layer) { l.Stride, l.Padding = c.stride, c.padding }),
			{Kind: models.KindMaxPool, Name: "w", Kernel: c.kernel, Stride: c.stride, Padding: c.padding},
		} {
			g := graph{c.name, models.Shape{Channels: 2, Height: c.height, Width: c.width}, append(pooled(l), linear("head", 2))}
			p := parse(t, written(t, g.weights(t), Options{}))
			var pads []float64
			for _, o := range p.operators {
				switch o.code {
				case opPad, opPadV2:
					pads = p.tensors[o.inputs[1]].values()[2:6]
				case opConv2D, opMaxPool2D:
					if got := scheme(o.options.byte(convPadding)); got != c.want {
						t.Errorf("%s, %s: scheme %d, want %d", c.name, l.Kind, got, c.want)
					}
				}
			}
			if !slices.Equal(pads, c.pads) {
				t.Errorf("%s, %s: pads %v, want %v", c.name, l.Kind, pads, c.pads)
			}
		}
	}
}

// TestOperators: activations are parts of operators where they can be, and groups have the version that knows them.
func TestOperators(t *testing.T) {
	for _, c := range []struct {
		name string
		want []code
	}{
		{"convolutions with batch norms", []code{opPad, opConv2D, opDepthwiseConv2D, opConv2D, opMean, opFullyConnected}},
		{"residual", []code{opConv2D, opConv2D, opAdd, opAdd, opAdd, opMean}},
		{"batch norm of its own", []code{opMul, opAdd, opMul, opAdd, opMul, opAdd, opMean}},
		{"activations of their own", []code{opReLU, opConv2D, opReLU6, opMean}},
		{"activations behind all others", []code{opMaxPool2D, opConv2D, opMean, opReLU, opFullyConnected, opReLU, opFullyConnected, opReshape, opReLU}},
		{"flatten", []code{opConv2D, opTranspose, opReshape, opReLU6, opFullyConnected}},
		{"flatten of one position", []code{opConv2D, opReshape, opFullyConnected}},
		{"groups", []code{opPad, opConv2D, opConv2D, opMean}},
		{"several filters per channel", []code{opDepthwiseConv2D, opMean}},
	} {
		i := slices.IndexFunc(kinds, func(g graph) bool { return g.name == c.name })
		p := parse(t, written(t, kinds[i].weights(t), Options{}))
		if got := operatorsOf(p); !slices.Equal(got, c.want) {
			t.Errorf("%s: operators %v, want %v", c.name, got, c.want)
		}
		for _, o := range p.operators {
			if want := optionsOf[o.code]; int(want) != o.kind {
				t.Errorf("%s: operator %d has options %d, want %d", c.name, o.code, o.kind, want)
			}
			want := versionOtherwise
			if c.name == "groups" && o.code == opConv2D {
				want = versionGroups
			}
			if o.version != want {
				t.Errorf("%s: operator %d has version %d, want %d", c.name, o.code, o.version, want)
			}
		}
	}
}

// TestNames: names of tensors are valid, unique C strings; the input and the output have the names of the signature.
func TestNames(t *testing.T) {
	for _, g := range kinds {
		p, seen := parse(t, written(t, g.weights(t), Options{Float16: true})), map[string]bool{}
		for _, x := range p.tensors {
			if seen[x.name] || x.name == "" || !utf8.ValidString(x.name) || strings.Contains(x.name, "\x00") {
				t.Errorf("%s: tensor name %q", g.name, x.name)
			}
			seen[x.name] = true
		}
		in, out := p.signature.tables(0)[0], p.signature.tables(1)[0]
		if p.tensors[p.input].name != "input" || in.string(0) != "input" || in.number(1, 0) != p.input {
			t.Errorf("%s: input %q, in the signature %q of tensor %d", g.name, p.tensors[p.input].name, in.string(0), in.number(1, 0))
		}
		if p.tensors[p.output].name != "logits" || out.string(0) != "logits" || out.number(1, 0) != p.output {
			t.Errorf("%s: output %q, in the signature %q of tensor %d", g.name, p.tensors[p.output].name, out.string(0), out.number(1, 0))
		}
		if key := p.signature.string(2); key != "serving_default" {
			t.Errorf("%s: signature %q", g.name, key)
		}
	}
}

// TestUnknownActivation: a function without an operator is not left out.
func TestUnknownActivation(t *testing.T) {
	l := deploy.Layer{Layer: models.Layer{Kind: models.KindActivation, Name: "act", Inputs: []string{models.InputName}, Activation: &models.Activation{Function: "gelu"}}}
	if _, err := convert(deploy.Network{Layers: []deploy.Layer{l}}, Options{}); err == nil || !strings.Contains(err.Error(), `layer "act": the activation function gelu`) {
		t.Errorf("error %v", err)
	}
}

// TestBatch: the batch of input and output is 1 and can be changed.
func TestBatch(t *testing.T) {
	p := parse(t, written(t, kinds[0].weights(t), Options{}))
	for _, c := range []struct {
		name             string
		tensor           int
		shape, signature []int
	}{
		{"input", p.input, []int{1, 9, 8, 3}, []int{-1, 9, 8, 3}},
		{"output", p.output, []int{1, 3}, []int{-1, 3}},
	} {
		if x := p.tensors[c.tensor]; !slices.Equal(x.shape, c.shape) || !slices.Equal(x.signature, c.signature) {
			t.Errorf("%s: shape %v and signature %v, want %v and %v", c.name, x.shape, x.signature, c.shape, c.signature)
		}
	}
}
