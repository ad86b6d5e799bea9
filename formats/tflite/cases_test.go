package tflite

import (
	"fmt"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// graph is a case of the tables: layers with their inputs, where those are not the layer before.
type graph struct {
	name   string
	input  models.Shape
	layers []models.Layer
}

var (
	relu  = &models.Activation{Name: "relu", Function: models.ReLU}
	relu6 = &models.Activation{Name: "relu6", Function: models.ReLU6}
)

func norm(name string) *models.Norm { return &models.Norm{Name: name, Eps: 1e-3, Momentum: 0.1} }

func conv(name string, out, kernel int, change func(*models.Layer)) models.Layer {
	l := models.Layer{Kind: models.KindConv, Name: name, Out: out, Kernel: kernel, Stride: 1, Groups: 1, Padding: models.Symmetric, Bias: true}
	if change != nil {
		change(&l)
	}
	return l
}

func pooled(layers ...models.Layer) []models.Layer {
	return append(layers, models.Layer{Kind: models.KindGlobalAvgPool, Name: "pool"})
}

func linear(name string, out int) models.Layer {
	return models.Layer{Kind: models.KindLinear, Name: name, Out: out, Bias: true}
}

func of(kind models.Kind, name string) models.Layer { return models.Layer{Kind: kind, Name: name} }

func with(l models.Layer, a *models.Activation, inputs ...string) models.Layer {
	l.Activation, l.Inputs = a, inputs
	return l
}

func normed(l models.Layer, name string) models.Layer {
	l.Norm = norm(name)
	return l
}

// kinds has each kind of layers, with and without what can be behind it.
var kinds = []graph{
	{"convolutions with batch norms", models.Shape{Channels: 3, Height: 9, Width: 8}, append(pooled(
		with(normed(conv("a", 6, 3, func(l *models.Layer) { l.Stride, l.Bias = 2, false }), "an"), relu6),
		with(normed(conv("b", 6, 3, func(l *models.Layer) { l.Groups = 6 }), "bn"), relu),
		normed(conv("c", 4, 1, nil), "cn")), linear("head", 3))},
	{"residual", models.Shape{Channels: 3, Height: 5, Width: 4}, pooled(conv("a", 4, 3, nil), conv("b", 4, 1, nil),
		with(of(models.KindAdd, "sum"), nil, "a", "b"), with(of(models.KindAdd, "act"), relu, "sum", "a"), with(of(models.KindAdd, "act6"), relu6, "act", "act"))},
	{"batch norm of its own", models.Shape{Channels: 2, Height: 3, Width: 4}, pooled(normed(of(models.KindBatchNorm, "first"), "first"),
		with(normed(of(models.KindBatchNorm, "second"), "other"), relu), with(normed(of(models.KindBatchNorm, "third"), "third"), relu6))},
	{"activations of their own", models.Shape{Channels: 3, Height: 3, Width: 3}, pooled(with(of(models.KindActivation, "a"), relu),
		conv("b", 5, 3, nil), with(of(models.KindActivation, "c"), relu6))},
	{"activations behind all others", models.Shape{Channels: 2, Height: 6, Width: 5}, []models.Layer{
		with(models.Layer{Kind: models.KindMaxPool, Name: "max", Kernel: 2, Stride: 1, Padding: models.Valid}, relu),
		conv("a", 3, 3, nil), with(of(models.KindGlobalAvgPool, "mean"), relu), with(linear("b", 4), relu6),
		with(models.Layer{Kind: models.KindDropout, Name: "drop", Rate: 0.5}, relu), linear("c", 3), with(of(models.KindFlatten, "same"), relu)}},
	{"flatten", models.Shape{Channels: 3, Height: 3, Width: 2}, []models.Layer{conv("a", 4, 3, nil), with(of(models.KindFlatten, "f"), relu6), linear("b", 3)}},
	{"flatten of one position", models.Shape{Channels: 3, Height: 3, Width: 3}, []models.Layer{
		conv("a", 4, 3, func(l *models.Layer) { l.Padding = models.Valid }), of(models.KindFlatten, "f"), linear("b", 3)}},
	{"flatten of one channel", models.Shape{Channels: 1, Height: 3, Width: 5}, []models.Layer{of(models.KindFlatten, "f"), linear("b", 3)}},
	{"flatten at the end", models.Shape{Channels: 2, Height: 2, Width: 2}, []models.Layer{conv("a", 2, 1, nil), of(models.KindFlatten, "f")}},
	{"pool to one value", models.Shape{Channels: 4, Height: 1, Width: 1}, pooled(conv("a", 4, 1, nil))},
	{"dropout at the end", models.Shape{Channels: 3, Height: 2, Width: 2}, append(pooled(), linear("a", 3), models.Layer{Kind: models.KindDropout, Name: "d", Rate: 0.1})},
	{"linear without a bias", models.Shape{Channels: 3, Height: 2, Width: 2}, append(pooled(), models.Layer{Kind: models.KindLinear, Name: "a", Out: 3})},
	{"groups", models.Shape{Channels: 6, Height: 5, Width: 6}, pooled(
		conv("a", 9, 3, func(l *models.Layer) { l.Groups, l.Stride = 3, 2 }), conv("b", 3, 1, func(l *models.Layer) { l.Groups = 3 }))},
	{"several filters per channel", models.Shape{Channels: 3, Height: 5, Width: 6}, pooled(conv("a", 6, 3, func(l *models.Layer) { l.Groups = 3 }))},
	{"one channel", models.Shape{Channels: 1, Height: 5, Width: 6}, pooled(conv("a", 2, 3, nil))},
	{"five channels, many rows", models.Shape{Channels: 5, Height: 17, Width: 2}, pooled(conv("a", 2, 3, nil))},
	{"names", models.Shape{Channels: 3, Height: 4, Width: 4}, append(pooled(
		conv("logits", 3, 3, func(l *models.Layer) { l.Stride = 2 }), conv("слой/ 1", 3, 3, nil), conv("a\x00b", 3, 1, nil), conv("a\x00b/padded", 3, 1, nil),
		conv("\xff\n", 3, 1, nil), conv("logits/padded", 3, 1, nil)), linear("input_2", 3))},
}

// windows has a convolution, a depthwise one or a max pool for each padding, kernel and stride, on odd and even sizes.
func windows() (list []graph) {
	for _, padding := range models.Paddings {
		for _, kernel := range []int{1, 2, 3, 5} {
			for _, stride := range []int{1, 2, 3} {
				for _, size := range [][2]int{{8, 7}, {6, 9}, {5, 5}} {
					l := models.Layer{Kind: models.KindMaxPool, Name: "w", Kernel: kernel, Stride: stride, Padding: padding}
					name := fmt.Sprintf("%s %d/%d of %dx%d", padding, kernel, stride, size[0], size[1])
					in := models.Shape{Channels: 2, Height: size[0], Width: size[1]}
					list = append(list,
						graph{"max pool " + name, in, []models.Layer{l, of(models.KindFlatten, "f"), linear("head", 3)}},
						graph{"convolution " + name, in, []models.Layer{conv("w", 3, kernel, func(l *models.Layer) { l.Stride, l.Padding = stride, padding }), of(models.KindFlatten, "f")}},
						graph{"depthwise " + name, in, []models.Layer{conv("w", 2, kernel, func(l *models.Layer) { l.Stride, l.Padding, l.Groups = stride, padding, 2 }), of(models.KindFlatten, "f")}})
				}
			}
		}
	}
	return list
}

// weights returns the case's network and classes "class 0", ...
func (g graph) weights(t testing.TB) weights.Weights {
	t.Helper()
	layers, before := append([]models.Layer(nil), g.layers...), models.InputName
	for i := range layers {
		if layers[i].Inputs == nil {
			layers[i].Inputs = []string{before}
		}
		before = layers[i].Name
	}
	built, err := models.NewGraph("case "+g.name, g.input, layers)
	if err != nil {
		t.Fatalf("%s: %v", g.name, err)
	}
	return filled(t, built)
}

// filled returns a network with values that are negative and positive.
func filled(t testing.TB, g *models.Graph) weights.Weights {
	t.Helper()
	w := weights.Weights{Graph: g}
	for i := range g.Classes() {
		w.Classes = append(w.Classes, fmt.Sprintf("class %d", i))
	}
	w.Preprocess.Mean, w.Preprocess.Std = [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
	for i, a := range g.Arrays() {
		values, shape := noise(a.Size(), i+1), make([]int, len(a.Shape))
		for j, d := range a.Shape {
			shape[j] = int(d)
		}
		if strings.HasSuffix(a.Name, ".running_var") {
			for j, v := range values {
				values[j] = 0.5 + v*v
			}
		}
		array, err := checkpoints.NewArray(a.Name, values, shape...)
		if err != nil {
			t.Fatal(err)
		}
		w.Arrays = append(w.Arrays, array)
	}
	return w
}

// noise are values within -1 and 1 that depend on a seed, without rounding that differs between processors.
func noise(count, seed int) []float32 {
	values, state := make([]float32, count), uint32(seed)
	for i := range values {
		state = state*1664525 + 1013904223 // Numerical Recipes' generator; the upper bits are the random ones
		values[i] = float32(int32(state)>>15) / (1 << 16)
	}
	return values
}
