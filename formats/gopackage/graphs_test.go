package gopackage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/formats/gopackage/classifier"
	"depthwise.dev/formats/gopackage/reference"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights"
)

// tolerance is relative to the largest logit: float32 sums of up to 30,000 products. Measured: at most 4e-6.
const tolerance = 2e-5

// check compares all kernels with the reference, on noise.
func check(t *testing.T, w weights.Weights) {
	t.Helper()
	for _, dtype := range []string{classifier.Float32, classifier.BFloat16} {
		n, err := deploy.New(w, deploy.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := round(&n, dtype); err != nil {
			t.Fatal(err)
		}
		file, err := encode(n, dtype, nil)
		if err != nil {
			t.Fatal(err)
		}
		values, planes := noise(n.Input)
		want, err := reference.Logits(n, planes)
		if err != nil {
			t.Fatal(err)
		}
		for _, kernels := range classifier.Kernels() {
			c, err := classifier.LoadFor(kernels, file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.LogitsOf(values)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, dtype+" "+kernels, got, want)
		}
	}
}

// noise returns an image as (rows, columns, channels) and as (channels, rows, columns).
func noise(s models.Shape) (values []float32, planes []float64) {
	rng := rand.New(rand.NewPCG(3, 4))
	positions := int(s.Positions())
	values, planes = make([]float32, s.Values()), make([]float64, s.Values())
	for i := range values {
		values[i] = float32(rng.NormFloat64())
		planes[i%s.Channels*positions+i/s.Channels] = float64(values[i])
	}
	return values, planes
}

func compare(t *testing.T, name string, got []float32, want []float64) {
	t.Helper()
	worst, largest := 0.0, 0.0
	for i, v := range want {
		worst, largest = max(worst, math.Abs(v-float64(got[i]))), max(largest, math.Abs(v))
	}
	if len(got) != len(want) || !(worst <= tolerance*largest) {
		t.Errorf("%s: %d logits, want %d; largest difference %.2g of logits up to %.3g", name, len(got), len(want), worst, largest)
	}
}

// head gives logits from activations, so that each position counts.
func head() []models.Layer {
	return []models.Layer{{Kind: models.KindFlatten}, {Kind: models.KindLinear, Out: 3, Bias: true}}
}

// TestWindows: convolutions of all kinds and max pools, with every padding, on odd and even sizes.
func TestWindows(t *testing.T) {
	for _, padding := range models.Paddings {
		for _, l := range []struct {
			name              string
			in, out, groups   int
			kernel, stride    int
			columns, rows     int
			kind              models.Kind
			bias, relu6, norm bool
		}{
			{"stem", 3, 32, 1, 3, 2, 15, 14, models.KindConv, false, true, true},
			{"pointwise", 24, 17, 1, 1, 1, 9, 8, models.KindConv, true, false, false},
			{"pointwise, wide", 40, 70, 1, 1, 1, 7, 7, models.KindConv, true, true, false},
			{"1x1, stride 2", 5, 33, 1, 1, 2, 9, 8, models.KindConv, false, false, false},
			{"2x2", 4, 6, 1, 2, 1, 5, 6, models.KindConv, true, false, false},
			{"5x5, stride 3", 2, 48, 1, 5, 3, 17, 16, models.KindConv, false, true, true},
			{"groups", 12, 18, 3, 3, 1, 8, 7, models.KindConv, true, true, true},
			{"groups, 1x1", 12, 8, 4, 1, 1, 5, 6, models.KindConv, false, false, false},
			{"depthwise", 40, 40, 40, 3, 1, 9, 8, models.KindConv, false, true, true},
			{"depthwise, stride 2", 24, 24, 24, 3, 2, 9, 8, models.KindConv, true, false, false},
			{"depthwise, stride 2, odd", 19, 19, 19, 3, 2, 8, 9, models.KindConv, true, true, false},
			{"depthwise 5x5", 17, 17, 17, 5, 1, 6, 5, models.KindConv, false, true, true},
			{"depthwise 2x2", 16, 16, 16, 2, 2, 5, 6, models.KindConv, false, false, false},
			{"depthwise 4x4, stride 3", 8, 8, 8, 4, 3, 11, 12, models.KindConv, false, false, true},
			{"depthwise, two filters", 6, 12, 6, 3, 1, 5, 6, models.KindConv, true, true, true},
			{"one channel", 1, 4, 1, 3, 1, 5, 6, models.KindConv, true, true, false},
			{"kernel of the size of the image", 3, 4, 1, 5, 1, 5, 5, models.KindConv, true, false, false},
			{"depthwise, kernel of the size of the image", 16, 16, 16, 7, 1, 7, 7, models.KindConv, true, false, false},
			{"stride beyond the kernel", 3, 5, 1, 2, 4, 9, 10, models.KindConv, false, false, false},
			{"pool", 5, 0, 0, 3, 2, 9, 8, models.KindMaxPool, false, false, false},
			{"pool 2x2", 5, 0, 0, 2, 2, 7, 6, models.KindMaxPool, false, true, false},
			{"pool 3x3, stride 1", 5, 0, 0, 3, 1, 4, 5, models.KindMaxPool, false, false, false},
		} {
			t.Run(fmt.Sprintf("%s, %s", l.name, padding), func(t *testing.T) {
				layer := models.Layer{Kind: l.kind, Name: "x", Out: l.out, Kernel: l.kernel, Stride: l.stride, Groups: l.groups, Padding: padding, Bias: l.bias}
				if l.norm {
					layer.Norm = norm("n")
				}
				if l.relu6 {
					layer.Activation = function(models.ReLU6)
				}
				input := models.Shape{Channels: l.in, Height: l.rows, Width: l.columns}
				check(t, weightsOf(t, graph(t, l.name, input, append([]models.Layer{layer}, head()...)...)))
			})
		}
	}
}

// TestGraphs: the other kinds of layers, and graphs in which results are read later or more than once.
func TestGraphs(t *testing.T) {
	square := models.Shape{Channels: 3, Height: 12, Width: 13}
	conv := func(name string, out, kernel int, inputs ...string) models.Layer {
		return models.Layer{Kind: models.KindConv, Name: name, Inputs: inputs, Out: out, Kernel: kernel, Norm: norm(name + " n"), Activation: function(models.ReLU)}
	}
	dw := func(name string, channels int) models.Layer {
		return models.Layer{Kind: models.KindConv, Name: name, Out: channels, Kernel: 3, Groups: channels, Norm: norm(name + " n"), Activation: function(models.ReLU6)}
	}
	add := func(a, b string) models.Layer {
		return models.Layer{Kind: models.KindAdd, Inputs: []string{a, b}, Activation: function(models.ReLU6)}
	}
	for _, c := range []struct {
		name   string
		input  models.Shape
		layers []models.Layer
	}{
		{"batch norm and activation of their own", square, append([]models.Layer{{Kind: models.KindBatchNorm, Name: "b", Norm: norm("b"), Activation: function(models.ReLU6)},
			{Kind: models.KindActivation, Activation: function(models.ReLU)}}, head()...)},
		{"average pool, activation, dropout", square, []models.Layer{conv("a", 70, 3), {Kind: models.KindGlobalAvgPool, Activation: function(models.ReLU)},
			{Kind: models.KindDropout, Rate: 0.5}, {Kind: models.KindLinear, Out: 33}, {Kind: models.KindDropout, Rate: 0.1, Activation: function(models.ReLU)}, {Kind: models.KindLinear, Out: 5, Bias: true, Activation: function(models.ReLU6)}}},
		{"residual connections", square, append([]models.Layer{conv("a", 16, 3), conv("b", 16, 1), add("a", "b"), dw("c", 16), conv("d", 16, 1), add("d", "a")}, head()...)},
		{"added to itself", square, append([]models.Layer{conv("a", 8, 3), add("a", "a")}, head()...)},
		{"names are any text", square, append([]models.Layer{conv("a/b \"ü\"\n", 8, 1)}, head()...)},
		{"large activations: depthwise computed with its reader", models.Shape{Channels: 16, Height: 95, Width: 96}, []models.Layer{dw("a", 16), conv("b", 24, 1), conv("c", 3, 1), {Kind: models.KindGlobalAvgPool}}},
		{"large activations: depthwise read twice", models.Shape{Channels: 16, Height: 95, Width: 96}, []models.Layer{dw("a", 16), conv("b", 16, 1), add("b", "a"), {Kind: models.KindGlobalAvgPool}}},
		{"large activations: depthwise before an addition", models.Shape{Channels: 16, Height: 95, Width: 96}, []models.Layer{conv("b", 16, 1), dw("a", 16), add("b", "a"), {Kind: models.KindGlobalAvgPool}}},
		{"large activations: depthwise of a result that is read again", models.Shape{Channels: 3, Height: 95, Width: 96}, []models.Layer{conv("x", 16, 1), dw("a", 16), conv("b", 16, 1), conv("c", 16, 1), add("c", "x"), {Kind: models.KindGlobalAvgPool}}},
		{"no layer before the pool", models.Shape{Channels: 200, Height: 5, Width: 4}, []models.Layer{{Kind: models.KindGlobalAvgPool}, {Kind: models.KindLinear, Out: 700}}},
	} {
		t.Run(c.name, func(t *testing.T) { check(t, weightsOf(t, graph(t, c.name, c.input, c.layers...))) })
	}
}

// TestMobileNets: every variant of every architecture, at a size that is not a power of two.
func TestMobileNets(t *testing.T) {
	for _, arch := range mobilenet.Archs() {
		for _, variant := range mobilenet.Variants(arch) {
			t.Run(arch+" "+variant, func(t *testing.T) { check(t, weightsOf(t, mobileNet(t, arch, variant))) })
		}
	}
}

func mobileNet(t *testing.T, arch, variant string) *models.Graph {
	t.Helper()
	c, err := mobilenet.Default(arch, variant)
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Resolution, c.Classes = 0.3, 40, 11
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestGoroutines: logits do not depend on the number of goroutines, nor on other calls.
func TestGoroutines(t *testing.T) {
	w := weightsOf(t, mobileNet(t, "mobilenet_v2", "torchvision"))
	n, err := deploy.New(w, deploy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := encode(n, classifier.Float32, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := classifier.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	values, _ := noise(n.Input)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	want, err := c.LogitsOf(values)
	if err != nil {
		t.Fatal(err)
	}
	for _, procs := range []int{1, 3, 8} {
		runtime.GOMAXPROCS(procs)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for range 5 {
					if got, err := c.LogitsOf(values); err != nil || !slices.Equal(got, want) {
						t.Errorf("%d processors: logits differ (error %v)", procs, err)
					}
				}
			})
		}
		group.Wait()
	}
}

// TestSpecialValues: NaN and infinities in weights reach the logits, as in libtorch.
func TestSpecialValues(t *testing.T) {
	w := weightsOf(t, graph(t, "special", models.Shape{Channels: 1, Height: 1, Width: 1}, models.Layer{Kind: models.KindFlatten}, models.Layer{Kind: models.KindLinear, Name: "l", Out: 4, Activation: function(models.ReLU6)}))
	copy(w.Arrays[0].Data.Data().([]float32), []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 1})
	n, err := deploy.New(w, deploy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, dtype := range []string{classifier.Float32, classifier.BFloat16} {
		if err := round(&n, dtype); err != nil {
			t.Fatal(err)
		}
		file, err := encode(n, dtype, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, kernels := range classifier.Kernels() {
			c, err := classifier.LoadFor(kernels, file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.LogitsOf([]float32{1})
			if err != nil || got[0] == got[0] || got[1] != 6 || got[2] != 0 || got[3] != 1 {
				t.Errorf("%s %s: %v, %v", dtype, kernels, got, err)
			}
		}
	}
}
