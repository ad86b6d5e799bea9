package models

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// image is a small input.
func image() *Node { return Input(Shape{Channels: 3, Height: 8, Width: 8}) }

// finish ends a graph in a classifier.
func finish(n *Node) *Node { return n.GlobalAvgPool().Linear(Linear{Out: 2}) }

// describe lists a graph's layers: kind name(inputs), +norm, +activation.
func describe(g *Graph) string {
	var lines []string
	for _, l := range g.Layers {
		text := string(l.Kind) + " " + l.Name + "(" + strings.Join(l.Inputs, ",") + ")"
		if l.Norm != nil && l.Kind != KindBatchNorm {
			text += "+" + l.Norm.Name
		}
		if l.Activation != nil && l.Kind != KindActivation {
			text += "+" + l.Activation.Name
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, " ")
}

func TestBuilder(t *testing.T) {
	for _, tc := range []struct {
		name  string
		build func(x *Node) *Node
		want  string
	}{
		{"norm and activation join the convolution", func(x *Node) *Node {
			return finish(x.Conv(Conv{Out: 4, Kernel: 3}).BatchNorm(BatchNorm{}).ReLU())
		}, "conv conv2d(input)+batch_normalization+re_lu global_avg_pool global_average_pooling2d(conv2d) linear dense(global_average_pooling2d)"},
		{"names are numbered for each class, as Keras'", func(x *Node) *Node {
			x = x.Conv(Conv{Out: 4}).ReLU().Conv(Conv{Out: 4}).ReLU6().DepthwiseConv(Conv{Kernel: 3}).BatchNorm(BatchNorm{}).Conv(Conv{Out: 4}).BatchNorm(BatchNorm{})
			return finish(x)
		}, "conv conv2d(input)+re_lu conv conv2d_1(conv2d)+re_lu_1 conv depthwise_conv2d(conv2d_1)+batch_normalization " +
			"conv conv2d_2(depthwise_conv2d)+batch_normalization_1 global_avg_pool global_average_pooling2d(conv2d_2) linear dense(global_average_pooling2d)"},
		{"named layers", func(x *Node) *Node {
			x = x.Conv(Conv{Out: 4}).Named("stem").BatchNorm(BatchNorm{}).Named("bn").ReLU().Named("act")
			return x.GlobalAvgPool().Named("pool").Linear(Linear{Out: 2}).Named("head")
		}, "conv stem(input)+bn+act global_avg_pool pool(stem) linear head(pool)"},
		{"a residual reads the convolution's final output", func(x *Node) *Node {
			x = x.Conv(Conv{Out: 4}).BatchNorm(BatchNorm{}).ReLU()
			return finish(x.Conv(Conv{Out: 4, Kernel: 3}).BatchNorm(BatchNorm{}).Add(x).ReLU())
		}, "conv conv2d(input)+batch_normalization+re_lu conv conv2d_1(conv2d)+batch_normalization_1 add add(conv2d_1,conv2d)+re_lu_1 " +
			"global_avg_pool global_average_pooling2d(add) linear dense(global_average_pooling2d)"},
		{"two readers keep norm and activation apart", func(x *Node) *Node {
			x = x.Conv(Conv{Out: 4})
			return finish(x.BatchNorm(BatchNorm{}).ReLU().Add(x))
		}, "conv conv2d(input) batch_norm batch_normalization(conv2d)+re_lu add add(batch_normalization,conv2d) " +
			"global_avg_pool global_average_pooling2d(add) linear dense(global_average_pooling2d)"},
		{"an activation that another layer reads before", func(x *Node) *Node {
			x = x.Conv(Conv{Out: 4}).BatchNorm(BatchNorm{})
			return finish(x.ReLU().Add(x))
		}, "conv conv2d(input)+batch_normalization activation re_lu(conv2d) add add(re_lu,conv2d) " +
			"global_avg_pool global_average_pooling2d(add) linear dense(global_average_pooling2d)"},
		{"activation before norm", func(x *Node) *Node { return finish(x.Conv(Conv{Out: 4}).ReLU().BatchNorm(BatchNorm{})) },
			"conv conv2d(input)+re_lu batch_norm batch_normalization(conv2d) global_avg_pool global_average_pooling2d(batch_normalization) linear dense(global_average_pooling2d)"},
		{"two activations", func(x *Node) *Node { return finish(x.Conv(Conv{Out: 4}).ReLU().ReLU6()) },
			"conv conv2d(input)+re_lu activation re_lu_1(conv2d) global_avg_pool global_average_pooling2d(re_lu_1) linear dense(global_average_pooling2d)"},
		{"norm and activation of the image", func(x *Node) *Node { return finish(x.BatchNorm(BatchNorm{}).ReLU()) },
			"batch_norm batch_normalization(input)+re_lu global_avg_pool global_average_pooling2d(batch_normalization) linear dense(global_average_pooling2d)"},
		{"pools, flatten, dropout and a hidden layer", func(x *Node) *Node {
			return x.Conv(Conv{Out: 4}).MaxPool(Pool{Kernel: 2}).ReLU().Flatten().ReLU().Linear(Linear{Out: 8}).ReLU().Dropout(0.5).Linear(Linear{Out: 2, NoBias: true})
		}, "conv conv2d(input) max_pool max_pooling2d(conv2d)+re_lu flatten flatten(max_pooling2d) activation re_lu_1(flatten) linear dense(re_lu_1)+re_lu_2 dropout dropout(dense) linear dense_1(dropout)"},
		{"an unused branch is left out, the names keep their numbers", func(x *Node) *Node {
			x = x.Conv(Conv{Out: 4})
			x.Conv(Conv{Out: 8}).ReLU()
			return finish(x.ReLU())
		}, "conv conv2d(input)+re_lu_1 global_avg_pool global_average_pooling2d(conv2d) linear dense(global_average_pooling2d)"},
		{"a layer added to itself", func(x *Node) *Node { x = x.Conv(Conv{Out: 4}); return finish(x.Add(x)) },
			"conv conv2d(input) add add(conv2d,conv2d) global_avg_pool global_average_pooling2d(add) linear dense(global_average_pooling2d)"},
		{"the last layer's activation", func(x *Node) *Node { return finish(x).ReLU() },
			"global_avg_pool global_average_pooling2d(input) linear dense(global_average_pooling2d)+re_lu"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, err := Build("test", tc.build(image()))
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(g); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestBuilderDefaults(t *testing.T) {
	g, err := Build("test", finish(image().Conv(Conv{Out: 4}).BatchNorm(BatchNorm{}).DepthwiseConv(Conv{Kernel: 3, Stride: 2}).MaxPool(Pool{Kernel: 3, Padding: Same})))
	if err != nil {
		t.Fatal(err)
	}
	conv, depthwise, pool, linear := g.Layers[0], g.Layers[1], g.Layers[2], g.Layers[4]
	if conv.Kernel != 1 || conv.Stride != 1 || conv.Groups != 1 || conv.Padding != Symmetric || conv.Bias || *conv.Norm != (Norm{"batch_normalization", 1e-5, 0.1}) {
		t.Errorf("convolution %+v, norm %+v", conv, conv.Norm)
	}
	if depthwise.Out != 4 || depthwise.Groups != 4 || depthwise.Stride != 2 || depthwise.Output != (Shape{4, 4, 4}) || !depthwise.Depthwise() {
		t.Errorf("depthwise %+v", depthwise)
	}
	if pool.Stride != 3 || pool.Padding != Same || pool.Output != (Shape{4, 2, 2}) {
		t.Errorf("pool %+v", pool)
	}
	if !linear.Bias || linear.Out != 2 {
		t.Errorf("linear %+v", linear)
	}
}

func TestBuildErrors(t *testing.T) {
	for _, tc := range []struct {
		name   string
		output func() *Node
		want   string
	}{
		{"nothing", func() *Node { return nil }, "the output is nil"},
		{"the image", image, "it has no layers"},
		{"no classifier", func() *Node { return image().Conv(Conv{Out: 4}) }, `the last layer, "conv2d", gives (4, 8, 8): a classifier ends in one value per class`},
		{"no weights", func() *Node { return image().GlobalAvgPool() }, "no weights to train"},
		{"two graphs", func() *Node { return finish(image().Conv(Conv{Out: 3}).Add(image())) }, "add: the other node belongs to another graph"},
		{"nil added", func() *Node { return finish(image().Add(nil)) }, "add: the other node belongs to another graph"},
		{"the image renamed", func() *Node { return finish(image().Named("photo")) }, `named "photo": the input's name is "input" always`},
		{"one name twice", func() *Node { return finish(image().Conv(Conv{Out: 4}).Named("a").Conv(Conv{Out: 4}).Named("a")) }, `the name "a" is taken by a layer before it`},
		{"an automatic name taken", func() *Node { return finish(image().Conv(Conv{Out: 4}).Named("conv2d_1").Conv(Conv{Out: 4})) }, `the name "conv2d_1" is taken by a layer before it`},
		{"no channels", func() *Node { return finish(image().Conv(Conv{Kernel: 3})) }, "0 output channels: must be 1 to 16384"},
		{"groups of -1", func() *Node { return finish(image().Conv(Conv{Out: 3, Groups: -1})) }, "-1 groups: must divide the 3 input and 3 output channels"},
		{"residual of other channels", func() *Node { x := image(); return finish(x.Conv(Conv{Out: 4}).Add(x)) }, "adds inputs of shapes (4, 8, 8) and (3, 8, 8): they must be equal"},
		{"linear without pool", func() *Node { return image().Linear(Linear{Out: 2}) }, "reads (3, 8, 8): pool or flatten it first"},
		{"convolution behind the pool", func() *Node { return image().GlobalAvgPool().Conv(Conv{Out: 4}).Linear(Linear{Out: 2}) }, "needs an input with rows and columns, not (3)"},
		{"depthwise behind flatten", func() *Node { return image().Flatten().DepthwiseConv(Conv{Kernel: 3}).Linear(Linear{Out: 2}) }, "needs an input with rows and columns, not (192)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, err := Build("test", tc.output())
			if g != nil || !errors.Is(err, ErrGraph) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), `"test"`) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// A built graph does not change when its builder goes on, and the same nodes can be built again.
func TestBuiltGraphsAreIndependent(t *testing.T) {
	norm := image().Conv(Conv{Out: 4}).BatchNorm(BatchNorm{})
	activation := norm.ReLU()
	output := finish(activation)
	first, err := Build("first", output)
	if err != nil {
		t.Fatal(err)
	}
	before := describe(first)
	norm.Named("renamed")
	activation.Named("also renamed")
	second, err := Build("second", output)
	if err != nil {
		t.Fatal(err)
	}
	if describe(first) != before {
		t.Errorf("the first graph became %s", describe(first))
	}
	if got := describe(second); !strings.Contains(got, "+renamed+also renamed") {
		t.Errorf("the second graph is %s", got)
	}
	features, err := Build("hidden layer as output", finish(norm))
	if err != nil || len(features.Layers) != 3 || !slices.Equal(features.Layers[1].Inputs, []string{"conv2d"}) {
		t.Errorf("another output of the same nodes: %v, error %v", features, err)
	}
}
