package kerasmodel

import (
	"maps"
	"slices"
	"testing"

	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// example is a graph with the MobileNet that it is of.
type example struct {
	name   string
	graph  *models.Graph
	config *mobilenet.Config
}

// examples are MobileNets of every variant at an even and an odd size, and graphs of every kind of layers.
func examples(t *testing.T) []example {
	t.Helper()
	var list []example
	for _, arch := range mobilenet.Archs() {
		for _, variant := range mobilenet.Variants(arch) {
			for _, resolution := range []int{32, 37} {
				c, err := mobilenet.Default(arch, variant)
				if err != nil {
					t.Fatal(err)
				}
				c.Width, c.Resolution, c.Classes, c.Dropout = 0.1, resolution, 3, 0.2
				g, err := c.Graph()
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, example{arch + " " + c.Variant, g, &c})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(graphs)) {
		build := graphs[name]
		for _, size := range []models.Shape{{Channels: 4, Height: 12, Width: 9}, {Channels: 4, Height: 7, Width: 10}} {
			g, err := models.Build(name, build(models.Input(size)))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			list = append(list, example{name: name, graph: g})
		}
	}
	return append(list, example{name: "layers in an order of their own", graph: unordered(t)})
}

// finish ends a graph in a classifier.
func finish(x *models.Node) *models.Node {
	return x.GlobalAvgPool().Linear(models.Linear{Out: 3})
}

// graphs have each kind of layers, padding and activation.
var graphs = map[string]func(x *models.Node) *models.Node{
	"max pools behind an activation": func(x *models.Node) *models.Node {
		x = x.Conv(models.Conv{Out: 4, Kernel: 3}).ReLU()
		for _, p := range models.Paddings {
			x = x.MaxPool(models.Pool{Kernel: 2, Stride: 1, Padding: p})
		}
		return finish(x)
	},
	"max pools of negative values": func(x *models.Node) *models.Node {
		x = x.Conv(models.Conv{Out: 4, Kernel: 1, Bias: true})
		for _, p := range models.Paddings {
			x = x.MaxPool(models.Pool{Kernel: 3, Stride: 1, Padding: p})
		}
		return finish(x.BatchNorm(models.BatchNorm{}))
	},
	"max pools with strides": func(x *models.Node) *models.Node {
		y := x.MaxPool(models.Pool{Kernel: 3, Stride: 2, Padding: models.Symmetric})
		z := x.MaxPool(models.Pool{Kernel: 4, Stride: 2, Padding: models.BottomRight}).Conv(models.Conv{Out: 4, Kernel: 1})
		return finish(y).Add(finish(z)).Add(finish(x.MaxPool(models.Pool{Kernel: 5, Stride: 3, Padding: models.Same})))
	},
	"groups and multipliers": func(x *models.Node) *models.Node {
		x = x.Conv(models.Conv{Out: 8, Kernel: 3, Groups: 2, Bias: true}).ReLU6()
		x = x.Conv(models.Conv{Out: 24, Kernel: 3, Groups: 8, Padding: models.Same, Stride: 2}).ReLU()
		return finish(x.DepthwiseConv(models.Conv{Kernel: 2, Padding: models.Valid}))
	},
	"convolutions of even kernels": func(x *models.Node) *models.Node {
		for _, p := range models.Paddings {
			x = x.Conv(models.Conv{Out: 4, Kernel: 4, Padding: p, Stride: 1}).BatchNorm(models.BatchNorm{Eps: 1e-3, Momentum: 0.01})
		}
		return finish(x)
	},
	"strides beyond the kernel": func(x *models.Node) *models.Node {
		return finish(x.Conv(models.Conv{Out: 4, Kernel: 2, Stride: 3, Padding: models.Same}).ReLU().Conv(models.Conv{Out: 4, Kernel: 1, Stride: 2}))
	},
	"flatten, hidden layers and dropout": func(x *models.Node) *models.Node {
		x = x.BatchNorm(models.BatchNorm{}).ReLU().Conv(models.Conv{Out: 5, Kernel: 3}).Flatten().ReLU6()
		return x.Linear(models.Linear{Out: 6}).ReLU().Dropout(0.5).Linear(models.Linear{Out: 3, NoBias: true})
	},
	"no linear layer at the end": func(x *models.Node) *models.Node {
		return x.Conv(models.Conv{Out: 3, Kernel: 3}).GlobalAvgPool().ReLU()
	},
	"an activation at the end": func(x *models.Node) *models.Node { return finish(x).ReLU() },
	"names of every kind": func(x *models.Node) *models.Node {
		x = x.Conv(models.Conv{Out: 4, Kernel: 3}).Named("Größe/a b").BatchNorm(models.BatchNorm{}).Named("漢字").ReLU().Named("1")
		x = x.Conv(models.Conv{Out: 4, Kernel: 3}).Named("gr__e_a_b").Conv(models.Conv{Out: 4}).Named("GR__E_A_B").Conv(models.Conv{Out: 4}).Named("input_layer")
		x = x.Conv(models.Conv{Out: 4}).Named("normalization").Conv(models.Conv{Out: 4}).Named("..").Conv(models.Conv{Out: 4}).Named(".hidden")
		return x.GlobalAvgPool().Named("predictions").Linear(models.Linear{Out: 3}).Named("\"quoted\"\n")
	},
	"a layer added to itself": func(x *models.Node) *models.Node { y := x.Conv(models.Conv{Out: 4}); return finish(y.Add(y)) },
	// model.layers is ordered by the distance to the output: the second branch's convolutions mix with the first one's.
	"branches of different lengths": func(x *models.Node) *models.Node {
		a := x.Conv(models.Conv{Out: 4, Kernel: 3}).BatchNorm(models.BatchNorm{}).ReLU().Conv(models.Conv{Out: 6, Kernel: 1}).BatchNorm(models.BatchNorm{})
		b := x.Conv(models.Conv{Out: 6, Kernel: 1})
		c := x.Conv(models.Conv{Out: 6, Kernel: 3}).ReLU()
		return finish(b.Add(a).ReLU().Add(c).Conv(models.Conv{Out: 5}))
	},
}

// unordered computes a branch late that the output reads early, with activations behind layers where the builder puts none.
func unordered(t *testing.T) *models.Graph {
	t.Helper()
	relu := &models.Activation{Name: "relu", Function: models.ReLU}
	g, err := models.NewGraph("unordered", models.Shape{Channels: 4, Height: 5, Width: 6}, []models.Layer{
		{Kind: models.KindConv, Name: "short", Inputs: []string{models.InputName}, Out: 4, Kernel: 1, Stride: 1, Groups: 1, Padding: models.Valid},
		{Kind: models.KindDropout, Name: "drop", Inputs: []string{models.InputName}, Rate: 0.1, Activation: relu},
		{Kind: models.KindConv, Name: "long", Inputs: []string{"drop"}, Out: 4, Kernel: 3, Stride: 1, Groups: 4, Padding: models.Symmetric},
		{Kind: models.KindConv, Name: "longer", Inputs: []string{"long"}, Out: 4, Kernel: 3, Stride: 1, Groups: 1, Padding: models.Same, Activation: relu},
		{Kind: models.KindAdd, Name: "sum", Inputs: []string{"longer", "short"}, Activation: relu},
		{Kind: models.KindFlatten, Name: "flat", Inputs: []string{"sum"}, Activation: relu},
		{Kind: models.KindFlatten, Name: "flatter", Inputs: []string{"flat"}},
		{Kind: models.KindLinear, Name: "head", Inputs: []string{"flatter"}, Out: 3, Bias: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}
