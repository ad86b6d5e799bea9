package deploy

import (
	"math"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// network has a layer of each kind that New changes: a convolution and a depthwise one with batch norms, one without a
// bias, a batch norm of its own, and dropout.
func network(t *testing.T) weights.Weights {
	t.Helper()
	norm := func(name string) *models.Norm { return &models.Norm{Name: name, Eps: 1e-3, Momentum: 0.1} }
	relu := &models.Activation{Name: "act", Function: models.ReLU6}
	g, err := models.NewGraph("test", models.Shape{Channels: 3, Height: 5, Width: 6}, []models.Layer{
		{Kind: models.KindConv, Name: "a", Inputs: []string{models.InputName}, Out: 4, Kernel: 3, Stride: 2, Groups: 1, Padding: models.Same, Bias: true, Norm: norm("an"), Activation: relu},
		{Kind: models.KindConv, Name: "b", Inputs: []string{"a"}, Out: 4, Kernel: 3, Stride: 1, Groups: 4, Padding: models.Symmetric, Norm: norm("bn")},
		{Kind: models.KindBatchNorm, Name: "c", Inputs: []string{"b"}, Norm: norm("c")},
		{Kind: models.KindGlobalAvgPool, Name: "pool", Inputs: []string{"c"}},
		{Kind: models.KindDropout, Name: "drop", Inputs: []string{"pool"}, Rate: 0.5},
		{Kind: models.KindLinear, Name: "head", Inputs: []string{"drop"}, Out: 2, Bias: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := weights.Weights{Graph: g, Classes: []string{"x", "y"}}
	for i, a := range g.Arrays() {
		values, shape := make([]float32, a.Size()), make([]int, len(a.Shape))
		for j := range values {
			values[j] = 0.1 + float32((i*7+j*13)%29)/10 // positive, as variances are
		}
		for j, d := range a.Shape {
			shape[j] = int(d)
		}
		array, err := checkpoints.NewArray(a.Name, values, shape...)
		if err != nil {
			t.Fatal(err)
		}
		w.Arrays = append(w.Arrays, array)
	}
	return w
}

func TestNewDropsDropout(t *testing.T) {
	n, err := New(network(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range n.Layers {
		names = append(names, l.Name)
	}
	if want := []string{"a", "b", "c", "pool", "head"}; !slices.Equal(names, want) {
		t.Errorf("layers %v, want %v", names, want)
	}
	if got := n.Layers[4].Inputs; !slices.Equal(got, []string{"pool"}) {
		t.Errorf("head reads %v, want pool", got)
	}
}

// TestNewPads: 5 rows and 6 columns at stride 2 need (1, 1) and (0, 1) in TensorFlow's same padding.
func TestNewPads(t *testing.T) {
	n, err := New(network(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a := n.Layers[0]; a.Rows != (models.Pad{Before: 1, After: 1}) || a.Columns != (models.Pad{Before: 0, After: 1}) {
		t.Errorf("pads %v and %v", a.Rows, a.Columns)
	}
}

// TestFold: one position of a folded 1x1 product equals the batch norm of the unfolded one.
func TestFold(t *testing.T) {
	w := network(t)
	folded, err := New(w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := New(w, Options{KeepBatchNorm: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range folded.Layers[:2] {
		p := plain.Layers[i]
		if l.BatchNorm != nil || l.Norm != nil || p.BatchNorm == nil || p.Norm == nil {
			t.Fatalf("%s: batch norm is not folded, or not kept", l.Name)
		}
		each := len(l.Weight) / l.Out
		for o := range l.Out {
			x, y := 0.0, 0.0
			for k := range each {
				input := math.Sin(float64(k))
				x += float64(p.Weight[o*each+k]) * input
				y += float64(l.Weight[o*each+k]) * input
			}
			if p.Bias != nil {
				x += float64(p.Bias[o])
			}
			b := p.BatchNorm
			want := (x-float64(b.Mean[o]))/math.Sqrt(float64(b.Variance[o])+b.Eps)*float64(b.Scale[o]) + float64(b.Shift[o])
			if got := y + float64(l.Bias[o]); math.Abs(got-want) > 1e-5*math.Abs(want)+1e-5 { // float32 weights
				t.Errorf("%s, channel %d: %v, want %v", l.Name, o, got, want)
			}
		}
	}
	if c := folded.Layers[2]; c.BatchNorm == nil {
		t.Error("a batch norm of its own has nothing to be folded into")
	}
}

func TestNewNamesMissingArrays(t *testing.T) {
	w := network(t)
	w.Arrays = w.Arrays[1:]
	if _, err := New(w, Options{}); err == nil || err.Error() != `deploy: array "a.weight" has 0 values, want 108` {
		t.Errorf("error %v", err)
	}
}

func TestCheckPixels(t *testing.T) {
	for _, c := range []struct {
		name      string
		channels  int
		mean, std [3]float64
		want      string // "": no error
	}{
		{"ImageNet's", 3, [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}, ""},
		{"only to 0..1", 3, [3]float64{}, [3]float64{1, 1, 1}, ""},
		{"one channel", 1, [3]float64{}, [3]float64{1, 1, 1}, "3 channels, this one has 1"},
		{"four channels", 4, [3]float64{}, [3]float64{1, 1, 1}, "3 channels, this one has 4"},
		{"no preprocessing", 3, [3]float64{}, [3]float64{}, "std [0 0 0]"},
		{"negative std", 3, [3]float64{}, [3]float64{1, 1, -1}, "std [1 1 -1]"},
		{"infinite std", 3, [3]float64{}, [3]float64{1, math.Inf(1), 1}, "std [1 +Inf 1]"},
		{"NaN", 3, [3]float64{math.NaN()}, [3]float64{1, 1, 1}, "mean [NaN 0 0]"},
	} {
		n := Network{Input: models.Shape{Channels: c.channels, Height: 2, Width: 2}}
		n.Preprocess.Mean, n.Preprocess.Std = c.mean, c.std
		err := CheckPixels(n.Input, n.Preprocess)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "--uint8-input=false")) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
