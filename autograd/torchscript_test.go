package autograd_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/sugarme/gotch/ts"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/backend"
	"depthwise.dev/formats/deploy"
	"depthwise.dev/formats/torchscript"
	"depthwise.dev/models"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// scriptGraphs have all kinds of layers, paddings on odd and even sizes, groups, and names that are no identifiers.
func scriptGraphs(t *testing.T) map[string]*models.Graph {
	t.Helper()
	graphs := map[string]*models.Graph{}
	for name, size := range map[string]models.Shape{"odd": {Channels: 3, Height: 13, Width: 17}, "even": {Channels: 3, Height: 12, Width: 16}, "five channels": {Channels: 5, Height: 12, Width: 17}} {
		x := models.Input(size).Conv(models.Conv{Out: 8, Kernel: 3, Padding: models.Same, Bias: true}).Named("größe 1/'\"\n").BatchNorm(models.BatchNorm{Eps: 1e-3}).Named("self").ReLU6()
		var sum *models.Node
		for _, p := range models.Paddings {
			// Max pools of negative values: zeros around them would be maxima.
			y := x.Conv(models.Conv{Out: 8, Kernel: 3, Stride: 2, Groups: 2, Padding: p}).BatchNorm(models.BatchNorm{}).
				MaxPool(models.Pool{Kernel: 3, Stride: 2, Padding: p}).DepthwiseConv(models.Conv{Kernel: 2, Padding: p, Bias: true}).GlobalAvgPool()
			if sum == nil {
				sum = y
			} else {
				sum = sum.Add(y)
			}
		}
		small := x.MaxPool(models.Pool{Kernel: 2, Stride: 3, Padding: models.Symmetric}).ReLU6().BatchNorm(models.BatchNorm{}).ReLU().Dropout(0.5)
		flat := small.Flatten().Linear(models.Linear{Out: 8, NoBias: true}).ReLU()
		g, err := models.Build(name, sum.Add(flat).ReLU6().Dropout(0.5).Linear(models.Linear{Out: 3}).Named("return"))
		if err != nil {
			t.Fatal(err)
		}
		graphs[name] = g
	}
	return graphs
}

// randomized gives batch norms statistics other than the initial ones, which would hide an exchange of two arrays.
func randomized(t *testing.T, g *models.Graph) weights.Weights {
	t.Helper()
	w := weightstest.OfGraph(t, g, "a", "b", "c")
	values, err := w.Values()
	if err != nil {
		t.Fatal(err)
	}
	for k, a := range g.Arrays() {
		if len(a.Shape) > 1 {
			continue
		}
		for i := range values[a.Name] {
			values[a.Name][i] = 0.25 + float32((5*k+3*i)%11)/8 // positive, as variances are
		}
	}
	w.Preprocess.Mean, w.Preprocess.Std = [3]float64{0.1, 0.2, 0.3}, [3]float64{0.9, 0.7, 0.5}
	return w
}

// tolerance is absolute; the logits are up to 30. Measured: 8e-6.
const scriptTolerance = 1e-4

// TestTorchScript: libtorch loads and runs what package torchscript writes, with the logits of the unfused backend.
func TestTorchScript(t *testing.T) {
	for name, g := range scriptGraphs(t) {
		for _, c := range []struct {
			name  string
			d     deploy.Options
			uint8 bool
		}{{"folded", deploy.Options{}, false}, {"with batch norm", deploy.Options{KeepBatchNorm: true}, false}, {"pixels", deploy.Options{}, true}} {
			if c.uint8 && g.Input.Channels != 3 {
				continue
			}
			t.Run(name+" "+c.name, func(t *testing.T) {
				w := randomized(t, g)
				n, err := deploy.New(w, c.d)
				if err != nil {
					t.Fatal(err)
				}
				module := load(t, n, torchscript.Options{Uint8Input: c.uint8})
				autogradtest.Run(t, func(s *autograd.Scope) {
					for _, batch := range []int{1, 5} {
						pixels, values := images(w, batch)
						x := autograd.FromSlice(s, values, int64(batch), int64(g.Input.Channels), int64(g.Input.Height), int64(g.Input.Width))
						want := logits(t, s, w, x)
						input := x
						if c.uint8 {
							input = autograd.FromSlice(s, pixels, int64(batch), int64(g.Input.Height), int64(g.Input.Width), 3)
						}
						got := autograd.ToSlice[float32](s, run(t, s, module, input))
						if len(got) != len(want) {
							t.Fatalf("%d logits, want %d", len(got), len(want))
						}
						for i := range got {
							if d := math.Abs(float64(got[i] - want[i])); !(d <= scriptTolerance) {
								t.Fatalf("batch %d: logits %v, want %v", batch, got, want)
							}
						}
					}
				})
			})
		}
	}
}

// load writes a network and loads it with libtorch.
func load(t *testing.T, n deploy.Network, o torchscript.Options) *ts.CModule {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "net.torchscript"))
	if err != nil {
		t.Fatal(err)
	}
	if err := torchscript.Write(file, n, o); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	module, err := ts.ModuleLoad(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(module.Drop)
	return module
}

// run computes the logits with libtorch's interpreter.
func run(t *testing.T, s *autograd.Scope, module *ts.CModule, x *autograd.Tensor) *autograd.Tensor {
	t.Helper()
	in := s.Gotch(x)
	out, err := module.ForwardTs([]*ts.Tensor{in})
	if err != nil {
		t.Fatal(err)
	}
	y := s.FromGotch(out)
	if err := errors.Join(in.Drop(), out.Drop()); err != nil {
		t.Fatal(err)
	}
	return y
}

// images are pixels, (N, H, W, C), and the same normalized, (N, C, H, W).
func images(w weights.Weights, batch int) (pixels []uint8, values []float32) {
	in, p := w.Graph.Input, w.Preprocess
	pixels = make([]uint8, batch*int(in.Values()))
	values = make([]float32, len(pixels))
	for i := range pixels {
		pixels[i] = uint8((i*i + 31*i) % 251)
		at, channel := i/in.Channels, i%in.Channels
		image, position := at/(in.Height*in.Width), at%(in.Height*in.Width)
		j := min(channel, 2)
		values[(image*in.Channels+channel)*in.Height*in.Width+position] = float32((float64(pixels[i])/255 - p.Mean[j]) / p.Std[j])
	}
	return pixels, values
}

// logits are those of the unfused backend.
func logits(t *testing.T, s *autograd.Scope, w weights.Weights, x *autograd.Tensor) []float32 {
	t.Helper()
	n, err := backend.Load(s, w, autograd.CPU)
	if err != nil {
		t.Fatal(err)
	}
	return autograd.ToSlice[float32](s, backend.Torch{}.Inference(s, n, autograd.Float32).Forward(s, x))
}
