package suite_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle/suite"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// TestNetworks compares every engine on small networks, whole and layer by layer. Two images at
// 32x32 leave two values per channel to the last batch norms, the worst case there is; bfloat16 is
// compared with at least 16.
func TestNetworks(t *testing.T) {
	checkLeaks(t)
	relu6, err := mobilenet.Default("mobilenet_v1", "article")
	if err != nil {
		t.Fatal(err)
	}
	relu6.Width, relu6.Resolution, relu6.Classes, relu6.Activation = 0.25, 33, 10, models.ReLU6
	training := bothModes[:1]
	for _, tc := range []struct {
		name   string
		graph  *models.Graph
		images int
		modes  []autograd.Mode
		fused  bool // the fused kernels compute it
	}{
		{"every kind", everyKind(t), 8, bothModes, false},
		{"v1 paper", mobileNet(t, "mobilenet_v1", "paper", 0.25, 32), 2, bothModes, true},
		{"v1 article", mobileNet(t, "mobilenet_v1", "article", 0.25, 32), 2, bothModes, true},
		{"v1 article, relu6", build(t, relu6), 8, training, true},
		{"v2 torchvision", mobileNet(t, "mobilenet_v2", "torchvision", 0.25, 32), 2, bothModes, false},
		{"v2 keras", mobileNet(t, "mobilenet_v2", "keras", 0.25, 64), 4, training, false},
	} {
		for _, mode := range tc.modes {
			n := suite.NoiseNetwork(tc.graph, mode, tc.images)
			t.Run(fmt.Sprintf("%s/%v", tc.name, n), func(t *testing.T) {
				whole, err := suite.CheckNetwork(t.Context(), n, suite.Engines)
				if err != nil {
					t.Fatal(err)
				}
				var order []string
				rows, err := suite.CheckLayers(t.Context(), n, suite.Engines, func(row string) { order = append(order, row) })
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, r := range rows {
					names = append(names, r.Name)
				}
				slices.Reverse(order)
				if want := n.Rows(); !slices.Equal(names, want) || !slices.Equal(order, want) {
					t.Errorf("rows %v, progress %v, want %v", names, order, want)
				}
				report := suite.Report{Layers: rows, Networks: []suite.Row{whole}}
				for _, f := range report.Failures() {
					t.Error(f)
				}
				for _, e := range report.Summary() {
					t.Log(e)
				}
				if i := slices.IndexFunc(whole.Cells, func(c suite.Cell) bool { return c.Engine == "fused fp32" }); strings.HasPrefix(whole.Cells[i].Left, "not computed: ") == tc.fused {
					t.Errorf("fused: %+v", whole.Cells[i])
				}
			})
		}
	}
}

// TestVariants compares every variant of every architecture as a whole in evaluation, at a width
// with which gradients of the fused kernels in bfloat16 can be compared too.
func TestVariants(t *testing.T) {
	checkLeaks(t)
	for _, arch := range mobilenet.Archs() {
		for _, variant := range mobilenet.Variants(arch) {
			t.Run(arch+" "+variant, func(t *testing.T) {
				row, err := suite.CheckNetwork(t.Context(), suite.NoiseNetwork(mobileNet(t, arch, variant, 0.5, 32), autograd.Evaluation, 2), suite.Engines)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range row.Cells {
					passed(t, c)
				}
			})
		}
	}
}

// TestLayerGradients: the gradients that CheckLayers passes from layer to layer, summed where
// several layers read one output, are those of the whole network.
func TestLayerGradients(t *testing.T) {
	checkLeaks(t)
	x := models.Input(models.Shape{Channels: 3, Height: 8, Width: 6}).Conv(models.Conv{Out: 8, Kernel: 3}).BatchNorm(models.BatchNorm{})
	y := x.Add(x).ReLU().Conv(models.Conv{Out: 8, Kernel: 3, Groups: 2}).ReLU().Add(x)
	sums, err := models.Build("sums", y.Add(x).ReLU6().GlobalAvgPool().Linear(models.Linear{Out: 3}))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		graph *models.Graph
	}{
		{"an output read twice by one layer, and by three", sums},
		{"v2", mobileNet(t, "mobilenet_v2", "torchvision", 0.25, 32)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := suite.NoiseNetwork(tc.graph, autograd.Evaluation, 2)
			whole, err := suite.Reference.Network(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			var layers suite.Result // gradients of parameters
			record := suite.Engine{Name: "record", Case: func(ctx context.Context, c suite.Case) (suite.Result, error) {
				r, err := suite.Reference.Case(ctx, c)
				for _, v := range r {
					if v.Kind == suite.Gradient && v.Name != "x" && v.Name != "y" {
						layers = append(layers, v)
					}
				}
				return r, err
			}}
			if _, err := suite.CheckLayers(t.Context(), n, []suite.Engine{record}, func(string) {}); err != nil {
				t.Fatal(err)
			}
			var want suite.Result
			for _, v := range whole {
				if v.Kind == suite.Gradient && v.Name != "images" {
					want = append(want, v)
				}
			}
			list, err := suite.Compare(want, layers)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range list {
				if !(d.Relative <= 1e-12) { // float64; measured 1.1e-15
					t.Errorf("%s: %.3g from the whole network's", d.Value, d.Relative)
				}
			}
		})
	}
}

// TestMissingArray: a network without one of its arrays is an error that names it, from every
// engine.
func TestMissingArray(t *testing.T) {
	checkLeaks(t)
	n := suite.NoiseNetwork(mobileNet(t, "mobilenet_v1", "paper", 0.005, 32), autograd.Evaluation, 2)
	delete(n.State, "conv_stem.weight")
	for _, e := range append([]suite.Engine{suite.Reference}, suite.Engines...) {
		if e.Network == nil {
			continue // computes single cases only
		}
		if c := suite.CompareNetwork(t.Context(), e, n, nil); !c.Failed || !strings.Contains(c.Error, "conv_stem.weight") {
			t.Errorf("%s: %+v", e.Name, c)
		}
	}
	if _, err := suite.CheckLayers(t.Context(), n, suite.Engines, func(string) {}); err == nil || !strings.Contains(err.Error(), "conv_stem.weight") {
		t.Errorf("layers: %v", err)
	}
}

// TestGraphSizes checks the two sizes that limit a check against numbers worked out by hand.
func TestGraphSizes(t *testing.T) {
	flat, err := models.Build("no batch norm", models.Input(models.Shape{Channels: 2, Height: 3, Width: 5}).Dropout(0.1).Flatten().
		Linear(models.Linear{Out: 4}))
	if err != nil {
		t.Fatal(err)
	}
	small, err := models.Build("two batch norms", models.Input(models.Shape{Channels: 1, Height: 4, Width: 6}).
		Conv(models.Conv{Out: 2, Kernel: 1, Stride: 2}).BatchNorm(models.BatchNorm{}).                    // (2, 2, 3)
		Conv(models.Conv{Out: 3, Kernel: 2, Padding: models.Valid}).BatchNorm(models.BatchNorm{}).ReLU(). // (3, 1, 2)
		GlobalAvgPool().Linear(models.Linear{Out: 4}))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		graph       *models.Graph
		activations int64
		values      int
	}{
		{flat, 10 * (30 + 4), math.MaxInt32},
		{small, 10 * (12 + 6 + 3 + 4), 20},
	} {
		if a, v := suite.Activations(tc.graph, 10), suite.ValuesPerChannel(tc.graph, 10); a != tc.activations || v != tc.values {
			t.Errorf("%v: %d activations, %d values per channel; want %d, %d", tc.graph, a, v, tc.activations, tc.values)
		}
	}
}

// TestSeparate: no two values in a window are closer than the margin, none is near zero, and none
// moves far.
func TestSeparate(t *testing.T) {
	const margin, side, height, width = 1e-4, 3, 5, 7
	x := suite.Draw("x", -1e-3, 1e-3, 1, 2, height, width)
	for i := range x.Data {
		x.Data[i] *= float64(i % 2) // half of them are equal, as after ReLU
	}
	y := suite.Separate(x, margin, side)
	for i, v := range y.Data {
		if math.Abs(v-x.Data[i]) > side*side*margin*1.001 || math.Abs(v) < margin*0.499 {
			t.Errorf("element %d moves from %v to %v", i, x.Data[i], v)
		}
		for j, w := range y.Data[:i] {
			row, column := i/width%height-j/width%height, i%width-j%width
			if i/(height*width) == j/(height*width) && max(row, -row) < side && max(column, -column) < side && math.Abs(v-w) < margin*0.999 {
				t.Errorf("elements %d and %d share a window and are %v and %v", j, i, w, v)
			}
		}
	}
}
