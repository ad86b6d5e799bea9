package serving

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights"
)

// mobileNetV2 is a small MobileNet v2, which the fused kernels do not compute.
func mobileNetV2(t *testing.T) *models.Graph {
	t.Helper()
	c, err := mobilenet.Default("mobilenet_v2", "")
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Resolution, c.Classes = 0.35, 32, 3
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// residual is a graph that a user built: a residual connection between convolutions.
func residual(t *testing.T, height, width int) *models.Graph {
	t.Helper()
	x := models.Input(models.Shape{Channels: 3, Height: height, Width: width}).
		Conv(models.Conv{Out: 8, Kernel: 3, Stride: 2}).BatchNorm(models.BatchNorm{}).ReLU()
	y := x.Conv(models.Conv{Out: 8, Kernel: 3}).BatchNorm(models.BatchNorm{}).Add(x).ReLU()
	g, err := models.Build("residual", y.MaxPool(models.Pool{Kernel: 2, Stride: 0, Padding: models.Valid}).Flatten().Linear(models.Linear{Out: 3}))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestEngineNetworks serves networks that only libtorch computes: "auto" selects it, and the logits
// are those of the network's forward pass. A named backend that does not compute the network is an
// error that names one that does.
func TestEngineNetworks(t *testing.T) {
	for _, c := range []struct {
		name  string
		graph *models.Graph
	}{
		{"mobilenet_v2", mobileNetV2(t)},
		{"user's graph", residual(t, 32, 32)},
		{"not square", residual(t, 24, 40)},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := c.graph.Input
			pixels := picture(4, 40)[:in.Values()]
			k := engine(t, EngineConfig{Network: graph(c.graph)})
			got, err := k.Classify(t.Context(), pixels)
			if err != nil || k.Graph != c.graph {
				t.Fatalf("graph %v, error %v", k.Graph, err)
			}
			var want []float32
			err = autograd.Run(t.Context(), func(s *autograd.Scope) error {
				x := s.NormalizeImages(pixels, 1, in.Height, in.Width, engineMean, engineStd, autograd.CPU)
				want = autograd.ToSlice[float32](s, backend.New(s, c.graph, 1).Forward(s, x, autograd.Evaluation))
				return s.Err()
			})
			if err != nil || len(got) != c.graph.Classes() || distance(want, got) > 1e-6 { // float32, the same operations
				t.Errorf("logits %v, want %v; error %v", got, want, err)
			}
			fused := backend.Options{Backend: "fused"}
			_, err = NewEngine(EngineConfig{Network: graph(c.graph), Std: engineStd, Options: fused})
			if err == nil || !strings.Contains(err.Error(), "use --backend torch or auto") {
				t.Errorf("on the fused kernels: error %v", err)
			}
		})
	}
}

// TestOpenNetworks: weights of a user's graph, and of another architecture, are read from their file
// and classify as package classify does.
func TestOpenNetworks(t *testing.T) {
	for _, c := range []struct {
		name  string
		graph *models.Graph
	}{
		{"mobilenet_v2", mobileNetV2(t)},
		{"user's graph", residual(t, 32, 32)},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "w.safetensors")
			w := weights.Weights{Graph: c.graph, Classes: []string{"x", "y", "z"},
				Preprocess: data.Preprocess{Resolution: 32, Fit: "pad", Mean: [3]float64{0.5, 0.5, 0.5}, Std: [3]float64{0.5, 0.5, 0.5}}}
			err := autograd.Run(t.Context(), func(s *autograd.Scope) (err error) {
				w.Arrays, err = backend.HostArrays(s, "", backend.New(s, c.graph, 1).State())
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(path); err != nil {
				t.Fatal(err)
			}
			images := colors(t)
			options := backend.Options{Threads: 1}
			want, err := classify.Predict(t.Context(), classify.PredictConfig{Weights: path, Options: options}, images)
			if err != nil {
				t.Fatal(err)
			}
			k, err := Open(Config{Weights: path, Options: options})
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			for i, image := range images {
				got, err := k.PredictFile(t.Context(), image, 3)
				if err != nil || !alike(got, want[i].Top) || math.IsNaN(got[0].Probability) {
					t.Errorf("%s: %v, error %v; want %v", image, got, err, want[i].Top)
				}
			}
		})
	}
}
