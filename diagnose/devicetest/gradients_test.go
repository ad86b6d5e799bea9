package devicetest

import (
	"fmt"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/autograd/oracle/suite"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

func TestMain(m *testing.M) { autogradtest.MainOnOneThread(m) }

// TestOperations compares values and gradients of every operation, layer and loss of autograd with float64 on the CPU.
func TestOperations(t *testing.T) {
	d := device(t)
	engines := suite.OnDevice(d)
	for _, c := range append(suite.Operations(1), suite.Layers()...) {
		if c.Gorgonia == nil || c.CPUOnly && d != autograd.CPU {
			continue // without gorgonia's form: random, and each device has a generator of its own
		}
		t.Run(c.Name, func(t *testing.T) {
			want, err := suite.Reference.Case(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range engines {
				check(t, suite.CompareCase(t.Context(), e, c, want))
			}
		})
	}
}

// networks are small ones of each architecture. Batch norm has at least 16 values per channel, so that every precision is compared.
var networks = []struct {
	name, arch, variant string
	width               float64
	resolution, images  int
	layers              bool // each is compared, too
}{
	{"v1", "mobilenet_v1", "paper", 0.5, 48, 8, true},
	{"v1, odd sizes, biases", "mobilenet_v1", "article", 0.25, 75, 4, false},
	{"v2", "mobilenet_v2", "torchvision", 0.5, 48, 8, true},
	{"v2, TensorFlow's padding", "mobilenet_v2", "keras", 0.25, 48, 8, false},
}

// TestNetworks compares logits, loss, gradients and running statistics of whole networks, by every backend that computes on the
// device, and of their layers with float64 on the CPU.
func TestNetworks(t *testing.T) {
	// Float64 is for single operations: cuDNN takes a second for each new shape, type and operation.
	engines := slices.DeleteFunc(suite.OnDevice(device(t)), func(e suite.Engine) bool { return e.Float64 })
	for _, n := range networks {
		g := graph(t, n.arch, n.variant, n.width, n.resolution)
		for _, mode := range []autograd.Mode{autograd.Training, autograd.Evaluation} {
			task := suite.NoiseNetwork(g, mode, n.images)
			t.Run(fmt.Sprintf("%s/%v", n.name, task), func(t *testing.T) {
				row, err := suite.CheckNetwork(t.Context(), task, engines)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range row.Cells {
					check(t, c)
				}
				if mode == autograd.Evaluation || !n.layers {
					return // layers in evaluation compute a part of those in training
				}
				layers, err := suite.CheckLayers(t.Context(), task, engines, func(string) {})
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range (suite.Report{Layers: layers}).Failures() {
					t.Error(f)
				}
			})
		}
	}
}

// check fails the test if a comparison failed, and logs one that was left out.
func check(t *testing.T, c suite.Cell) {
	t.Helper()
	if c.Failed {
		t.Errorf("%s: %s differs by %.3g, tolerance %.3g %s", c.Engine, c.Value, c.Relative, c.Tolerance, c.Error)
	}
	if c.Left != "" && c.Left != "computes whole networks only" {
		t.Logf("%s: %s", c.Engine, c.Left)
	}
}

// graph is a variant with 10 classes.
func graph(t *testing.T, arch, variant string, width float64, resolution int) *models.Graph {
	t.Helper()
	c, err := mobilenet.Default(arch, variant)
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Resolution, c.Classes = width, resolution, 10
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}
