package models

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// every is a graph with a layer of each kind.
func every(t testing.TB) *Graph {
	t.Helper()
	x := image().Conv(Conv{Out: 4, Kernel: 3, Stride: 2, Padding: Same, Bias: true}).BatchNorm(BatchNorm{Eps: 1e-3, Momentum: 0.01}).ReLU6()
	y := x.DepthwiseConv(Conv{Kernel: 3}).BatchNorm(BatchNorm{}).Add(x)
	y = y.BatchNorm(BatchNorm{}).MaxPool(Pool{Kernel: 2}).Flatten().ReLU().Linear(Linear{Out: 6}).ReLU().Dropout(0.25)
	z := y.Linear(Linear{Out: 2, NoBias: true})
	g, err := Build("every kind", z)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// layers are a valid small network for tests that spoil it.
func layers() []Layer {
	return []Layer{
		{Kind: KindConv, Name: "conv", Inputs: []string{InputName}, Out: 4, Kernel: 3, Stride: 1, Groups: 1, Padding: Symmetric,
			Norm: &Norm{Name: "bn", Eps: 1e-5, Momentum: 0.1}, Activation: &Activation{Name: "relu", Function: ReLU}},
		{Kind: KindMaxPool, Name: "max", Inputs: []string{"conv"}, Kernel: 2, Stride: 2, Padding: Valid},
		{Kind: KindGlobalAvgPool, Name: "pool", Inputs: []string{"max"}},
		{Kind: KindDropout, Name: "dropout", Inputs: []string{"pool"}, Rate: 0.5},
		{Kind: KindLinear, Name: "head", Inputs: []string{"dropout"}, Out: 2, Bias: true},
	}
}

func TestNewGraphErrors(t *testing.T) {
	if _, err := NewGraph("test", Shape{3, 8, 8}, layers()); err != nil {
		t.Fatal(err)
	}
	const conv, maxPool, pool, dropout, head = 0, 1, 2, 3, 4
	for _, tc := range []struct {
		name  string
		spoil func(l []Layer)
		want  string
	}{
		{"unknown kind", func(l []Layer) { l[conv].Kind = "attention" }, `layer 0 "conv": no kind of layers is named "attention"`},
		{"no name", func(l []Layer) { l[conv].Name = "" }, "needs a name of its own"},
		{"name of the input", func(l []Layer) { l[conv].Name = InputName }, "needs a name of its own"},
		{"name taken", func(l []Layer) { l[pool].Name = "conv" }, `layer 2 "conv": the name "conv" is taken by a layer before it`},
		{"norm's name taken", func(l []Layer) { l[conv].Norm.Name = "conv" }, `the name "conv" is taken by a layer before it`},
		{"norm without name", func(l []Layer) { l[conv].Norm.Name = "" }, `a name is empty`},
		{"no inputs", func(l []Layer) { l[head].Inputs = nil }, "reads 0 layers, a layer of kind linear reads 1"},
		{"two inputs", func(l []Layer) { l[head].Inputs = []string{"pool", "pool"} }, "reads 2 layers, a layer of kind linear reads 1"},
		{"reads a later layer", func(l []Layer) { l[conv].Inputs = []string{"pool"} }, `reads "pool", which no layer before it is named`},
		{"reads itself", func(l []Layer) { l[conv].Inputs = []string{"conv"} }, `reads "conv", which no layer before it is named`},
		{"an unread layer", func(l []Layer) { l[head].Inputs = []string{"pool"} }, `nothing reads layer "dropout"`},
		{"batch norm without norm", func(l []Layer) { l[pool] = Layer{Kind: KindBatchNorm, Name: "pool", Inputs: []string{"max"}} }, "has no norm"},
		{"norm eps", func(l []Layer) { l[conv].Norm.Eps = 0 }, "batch norm eps 0: must be above 0"},
		{"norm eps NaN", func(l []Layer) { l[conv].Norm.Eps = math.NaN() }, "batch norm eps NaN: must be above 0"},
		{"norm eps infinite", func(l []Layer) { l[conv].Norm.Eps = math.Inf(1) }, "batch norm eps +Inf: must be above 0"},
		{"norm momentum", func(l []Layer) { l[conv].Norm.Momentum = 1.5 }, "batch norm momentum 1.5: must be above 0 and at most 1"},
		{"norm of a linear layer", func(l []Layer) { l[head].Norm = &Norm{"n", 1, 1} }, "a layer of kind linear has no norm"},
		{"norm behind the pool", func(l []Layer) {
			l[dropout] = Layer{Kind: KindBatchNorm, Name: "dropout", Inputs: []string{"pool"}, Norm: &Norm{"n", 1, 1}}
		}, "batch norm of (4): it needs rows and columns"},
		{"activation without function", func(l []Layer) { l[dropout] = Layer{Kind: KindActivation, Name: "dropout", Inputs: []string{"pool"}} }, "has no activation function"},
		{"unknown activation", func(l []Layer) { l[conv].Activation.Function = "gelu" }, `activation "gelu": must be one of ` + fmt.Sprint(Functions)},
		{"kernel", func(l []Layer) { l[conv].Kernel = 0 }, "kernel 0: must be 1 to 256"},
		{"huge kernel", func(l []Layer) { l[conv].Kernel = 1000 }, "kernel 1000: must be 1 to 256"},
		{"stride", func(l []Layer) { l[conv].Stride = 0 }, "stride 0: must be 1 to 256"},
		{"pool's stride with same padding", func(l []Layer) { l[maxPool].Stride, l[maxPool].Padding = 0, Same }, "stride 0: must be 1 to 256"},
		{"pool's kernel", func(l []Layer) { l[maxPool].Kernel = -2 }, "kernel -2: must be 1 to 256"},
		{"padding", func(l []Layer) { l[conv].Padding = "mirror" }, `padding "mirror": must be one of [symmetric same bottom_right valid]`},
		{"a window that does not fit", func(l []Layer) { l[conv].Kernel, l[conv].Padding = 9, Valid }, "a 9x9 window does not fit into (3, 8, 8)"},
		{"channels", func(l []Layer) { l[conv].Out = 1 << 15 }, "32768 output channels: must be 1 to 16384"},
		{"groups", func(l []Layer) { l[conv].Groups = 2 }, "2 groups: must divide the 3 input and 4 output channels"},
		{"outputs", func(l []Layer) { l[head].Out = 0 }, "0 outputs: must be 1 to 1048576"},
		{"dropout of all", func(l []Layer) { l[dropout].Rate = 1 }, "dropout rate 1: must be at least 0 and below 1"},
		{"dropout NaN", func(l []Layer) { l[dropout].Rate = math.NaN() }, "dropout rate NaN: must be at least 0 and below 1"},
		{"pool behind the pool", func(l []Layer) {
			l[dropout] = Layer{Kind: KindGlobalAvgPool, Name: "dropout", Inputs: []string{"pool"}}
		}, "needs an input with rows and columns, not (4)"},
		{"a pool's bias", func(l []Layer) { l[pool].Bias = true }, "a layer of kind global_avg_pool has no bias"},
		{"a pool's outputs", func(l []Layer) { l[maxPool].Out = 4 }, "a layer of kind max_pool has no out"},
		{"a linear layer's kernel", func(l []Layer) { l[head].Kernel = 3 }, "a layer of kind linear has no kernel"},
		{"a linear layer's stride", func(l []Layer) { l[head].Stride = 1 }, "a layer of kind linear has no stride"},
		{"a linear layer's padding", func(l []Layer) { l[head].Padding = Same }, "a layer of kind linear has no padding"},
		{"a pool's groups", func(l []Layer) { l[maxPool].Groups = 1 }, "a layer of kind max_pool has no groups"},
		{"a convolution's rate", func(l []Layer) { l[conv].Rate = 0.5 }, "a layer of kind conv has no rate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := layers()
			tc.spoil(l)
			g, err := NewGraph("test", Shape{3, 8, 8}, l)
			if g != nil || !errors.Is(err, ErrGraph) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestNewGraphErrorsOfTheWhole(t *testing.T) {
	wide := func(n int) []Layer { // n 1x1 convolutions of the most channels, 2^28 weights each
		var l []Layer
		in := InputName
		for i := range n {
			name := fmt.Sprint("conv", i)
			l = append(l, Layer{Kind: KindConv, Name: name, Inputs: []string{in}, Out: 1 << 14, Kernel: 1, Stride: 1, Groups: 1, Padding: Valid})
			in = name
		}
		return append(l, Layer{Kind: KindGlobalAvgPool, Name: "pool", Inputs: []string{in}})
	}
	for _, tc := range []struct {
		name   string
		input  Shape
		layers []Layer
		want   string
	}{
		{"no layers", Shape{3, 8, 8}, nil, "0 layers: must be 1 to 10000"},
		{"too many layers", Shape{3, 8, 8}, make([]Layer, 10_001), "10001 layers: must be 1 to 10000"},
		{"no channels", Shape{0, 8, 8}, layers(), "input (0, 8, 8)"},
		{"no columns", Shape{3, 8, 0}, layers(), "input (3, 8, 0)"},
		{"a huge image", Shape{3, 1 << 20, 8}, layers(), "at most 8192 pixels a side"},
		{"activations", Shape{3, 8192, 8192}, []Layer{{Kind: KindConv, Name: "conv", Inputs: []string{InputName}, Out: 64, Kernel: 1, Stride: 1, Groups: 1, Padding: Valid}}, "activations an image: more than 2147483648"},
		{"parameters", Shape{1 << 14, 1, 1}, wide(9), "more than 2147483648 parameters"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := NewGraph("test", tc.input, tc.layers); !errors.Is(err, ErrGraph) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
	if _, err := NewGraph("test", Shape{1 << 14, 1, 1}, wide(8)); err != nil {
		t.Errorf("as many parameters as are allowed: %v", err)
	}
}

// The caller's layers are its own afterwards.
func TestNewGraphCopies(t *testing.T) {
	l := layers()
	g, err := NewGraph("test", Shape{3, 8, 8}, l)
	if err != nil {
		t.Fatal(err)
	}
	l[0].Norm.Eps, l[0].Activation.Function, l[0].Inputs[0] = 1, ReLU6, "x"
	if first := g.Layers[0]; first.Norm.Eps != 1e-5 || first.Activation.Function != ReLU || first.Inputs[0] != InputName {
		t.Errorf("the graph became %+v", first)
	}
}

// Output shapes of windows against the closed form floor((n + padding - k)/s) + 1, and ceil(n/s) of same padding.
func TestShapes(t *testing.T) {
	for _, padding := range Paddings {
		for _, kernel := range []int{1, 2, 3, 5} {
			for _, stride := range []int{1, 2, 3} {
				for size := 5; size <= 40; size++ {
					l := Layer{Kind: KindConv, Name: "c", Inputs: []string{InputName}, Out: 2, Kernel: kernel, Stride: stride, Groups: 1, Padding: padding}
					g, err := NewGraph("", Shape{3, size, size + 1}, []Layer{l, {Kind: KindGlobalAvgPool, Name: "p", Inputs: []string{"c"}}})
					if err != nil {
						t.Fatal(err)
					}
					side := func(n int) int {
						switch padding {
						case Symmetric:
							return (n+2*(kernel/2)-kernel)/stride + 1
						case BottomRight:
							return (n+kernel/2-kernel)/stride + 1
						case Same:
							return int(math.Ceil(float64(n) / float64(stride)))
						}
						return (n-kernel)/stride + 1
					}
					if got, want := g.Layers[0].Output, (Shape{2, side(size), side(size + 1)}); got != want {
						t.Fatalf("%s padding, kernel %d, stride %d, size %d: %v, want %v", padding, kernel, stride, size, got, want)
					}
				}
			}
		}
	}
	want := []Shape{{4, 4, 4}, {4, 4, 4}, {4, 4, 4}, {4, 4, 4}, {4, 2, 2}, {16, 0, 0}, {16, 0, 0}, {6, 0, 0}, {6, 0, 0}, {2, 0, 0}}
	for i, l := range every(t).Layers {
		if l.Output != want[i] {
			t.Errorf("%s gives %v, want %v", l.Name, l.Output, want[i])
		}
	}
}

func TestShape(t *testing.T) {
	for _, tc := range []struct {
		shape             Shape
		text              string
		positions, values int64
	}{{Shape{3, 4, 5}, "(3, 4, 5)", 20, 60}, {Shape{Channels: 7}, "(7)", 1, 7}} {
		if s := tc.shape; s.String() != tc.text || s.Positions() != tc.positions || s.Values() != tc.values {
			t.Errorf("%v: %d positions, %d values", s, s.Positions(), s.Values())
		}
	}
}

func TestResize(t *testing.T) {
	g, err := NewGraph("test", Shape{3, 8, 8}, layers())
	if err != nil {
		t.Fatal(err)
	}
	wide, err := g.Resize(16, 33)
	if err != nil {
		t.Fatal(err)
	}
	if wide.Input != (Shape{3, 16, 33}) || wide.Layers[0].Output != (Shape{4, 16, 33}) || wide.Layers[4].Output != (Shape{Channels: 2}) {
		t.Errorf("resized: %v, %v", wide.Input, wide.Layers[0].Output)
	}
	if g.Input != (Shape{3, 8, 8}) || g.Layers[0].Output != (Shape{4, 8, 8}) {
		t.Error("the graph itself changed")
	}
	if same, err := g.Resize(8, 8); same != g || err != nil {
		t.Errorf("its own size: %v", err)
	}
	if _, err := every(t).Resize(16, 16); !errors.Is(err, ErrGraph) || !strings.Contains(err.Error(), `16x16 images: layer "dense" would read (64) instead of (16)`) {
		t.Errorf("with a flatten layer: %v", err)
	}
	if _, err := g.Resize(0, 8); !errors.Is(err, ErrGraph) {
		t.Errorf("no rows: %v", err)
	}
}

func TestGraphText(t *testing.T) {
	g := every(t)
	if g.Classes() != 2 || g.String() != "every kind, input (3, 8, 8), 2 classes" {
		t.Errorf("%d classes, %s", g.Classes(), g)
	}
	var names []string
	for _, a := range g.Arrays() {
		names = append(names, a.Name)
	}
	want := []string{"conv2d.weight", "conv2d.bias", "batch_normalization.weight", "batch_normalization.bias", "batch_normalization.running_mean", "batch_normalization.running_var",
		"depthwise_conv2d.weight", "batch_normalization_1.weight", "batch_normalization_1.bias", "batch_normalization_1.running_mean", "batch_normalization_1.running_var",
		"batch_normalization_2.weight", "batch_normalization_2.bias", "batch_normalization_2.running_mean", "batch_normalization_2.running_var",
		"dense.weight", "dense.bias", "dense_1.weight"}
	if !slices.Equal(names, want) {
		t.Errorf("arrays %v", names)
	}
}
