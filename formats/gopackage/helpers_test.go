package gopackage

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// weightsOf returns random weights of a graph: such that activations keep their size, variances positive.
func weightsOf(t testing.TB, g *models.Graph) weights.Weights {
	t.Helper()
	w := weights.Weights{Graph: g, Preprocess: data.Preprocess{Resolution: g.Input.Height, Mean: [3]float64{0.5, 0.4, 0.3}, Std: [3]float64{0.2, 0.25, 0.3}}}
	for i := range g.Classes() {
		w.Classes = append(w.Classes, fmt.Sprintf("class %d", i))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, a := range g.Arrays() {
		values, shape := make([]float32, a.Size()), make([]int, len(a.Shape))
		for j, d := range a.Shape {
			shape[j] = int(d)
		}
		for j := range values {
			values[j] = 0.5 + rng.Float32()
			if len(shape) > 1 {
				values[j] = float32(rng.NormFloat64()) / float32(max(1, a.Size()/shape[0]))
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

// graph builds a graph, whose layers may leave out what is 1.
func graph(t testing.TB, name string, input models.Shape, layers ...models.Layer) *models.Graph {
	t.Helper()
	before := models.InputName
	for i := range layers {
		l := &layers[i]
		if l.Name == "" {
			l.Name = fmt.Sprintf("%s %d", l.Kind, i)
		}
		if l.Inputs == nil {
			l.Inputs = []string{before}
		}
		if l.Kind == models.KindConv && l.Groups == 0 {
			l.Groups = 1
		}
		if (l.Kind == models.KindConv || l.Kind == models.KindMaxPool) && l.Stride == 0 {
			l.Stride = 1
		}
		if (l.Kind == models.KindConv || l.Kind == models.KindMaxPool) && l.Padding == "" {
			l.Padding = models.Symmetric
		}
		before = l.Name
	}
	g, err := models.NewGraph(name, input, layers)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func norm(name string) *models.Norm { return &models.Norm{Name: name, Eps: 1e-3, Momentum: 0.1} }

func function(f models.Function) *models.Activation {
	return &models.Activation{Name: "act", Function: f}
}

// small is the network of package classifier's own tests.
func small(t testing.TB) weights.Weights {
	w := weightsOf(t, graph(t, "small", models.Shape{Channels: 3, Height: 24, Width: 24},
		models.Layer{Kind: models.KindConv, Name: "stem", Out: 8, Kernel: 3, Stride: 2, Padding: models.Same, Norm: norm("n1"), Activation: function(models.ReLU6)},
		models.Layer{Kind: models.KindConv, Name: "dw", Out: 8, Kernel: 3, Groups: 8, Norm: norm("n2"), Activation: function(models.ReLU)},
		models.Layer{Kind: models.KindConv, Name: "pw", Out: 8, Kernel: 1, Bias: true},
		models.Layer{Kind: models.KindAdd, Name: "add", Inputs: []string{"stem", "pw"}, Activation: function(models.ReLU)},
		models.Layer{Kind: models.KindMaxPool, Kernel: 2, Stride: 2, Padding: models.Valid},
		models.Layer{Kind: models.KindGlobalAvgPool},
		models.Layer{Kind: models.KindLinear, Out: 4, Bias: true}))
	w.Preprocess.Resize = 27
	return w
}
