package diagnose

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/internal/testset"
	"depthwise.dev/models"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// TestInspect: what follows from the definition of a step without momentum and decay, and from that
// of the loss.
func TestInspect(t *testing.T) {
	weights := weightstest.New(t)
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := weights.Write(path); err != nil {
		t.Fatal(err)
	}
	dir := testset.Images(t, 6, 0)
	for _, tc := range []struct{ name, weights, data string }{{"initial, noise", "", ""}, {"weights, noise", path, ""}, {"initial, images", "", dir}} {
		t.Run(tc.name, func(t *testing.T) {
			c := config.Default()
			c.Model.Width, c.Model.Resolution, c.Model.Classes = 0.25, 32, 3
			c.Optimizer, c.Momentum, c.WeightDecay, c.LR, c.Data, c.Threads = "sgd", 0, 0, 0.125, tc.data, 1
			before := autograd.LiveTensors()
			r, err := Inspect(context.Background(), c, tc.weights, 4)
			if err != nil {
				t.Fatal(err)
			}
			if leaked := autograd.LiveTensors() - before; leaked != 0 {
				t.Errorf("%d native tensors leaked", leaked)
			}
			if len(r.Layers) != 29 || len(r.Parameters) != 83 || r.Images != 4 || !(r.Loss > 0.5 && r.Loss < 3) {
				t.Errorf("%d layers, %d arrays, %d images, loss %v", len(r.Layers), len(r.Parameters), r.Images, r.Loss)
			}
			for _, p := range r.Parameters {
				want := 0.0
				if p.Norm > 0 {
					want = c.LR * p.Gradient / p.Norm
				}
				// Parameters of about 1 change by float32 steps of 6e-8.
				if math.Abs(p.Update-want) > 1e-4*want+6e-8 {
					t.Errorf("%s moves by %v, want %v", p.Name, p.Update, want)
				}
			}
			for _, l := range r.Layers {
				if !(l.Zeros >= 0 && l.Zeros < 1 && l.Dead <= l.Zeros+1e-9 && l.Std > 0 && l.Gradient > 0) {
					t.Errorf("%+v", l)
				}
			}
			if pool := r.Layers[27]; pool.Name != "global_pool" {
				t.Errorf("%+v", pool)
			}
			if head := r.Layers[28]; head.Name != "classifier" || head.Zeros != 0 || head.Gradient > math.Sqrt2/2 {
				t.Errorf("%+v; (softmax - target)/4 of 4 images is at most sqrt(4*2)/4", head)
			}
		})
	}
}

// TestInspectNetworks: a MobileNet v2, and the weights of a graph that a user built. Each layer of the
// graph has its row, and each trainable array.
func TestInspectNetworks(t *testing.T) {
	x := models.Input(models.Shape{Channels: 3, Height: 16, Width: 16}).
		Conv(models.Conv{Out: 8, Kernel: 3, Stride: 2}).BatchNorm(models.BatchNorm{}).ReLU()
	y := x.Conv(models.Conv{Out: 8, Kernel: 3}).BatchNorm(models.BatchNorm{}).Add(x).ReLU()
	built, err := models.Build("built", y.Flatten().Dropout(0.1).Linear(models.Linear{Out: 3}))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	// Preprocessing is not that of the configuration.
	w := weights.Weights{Graph: built, Classes: []string{"blue", "green", "red"}, Preprocess: data.Preprocess{Resolution: 16,
		Fit: "pad", Mean: [3]float64{0.4, 0.4, 0.4}, Std: [3]float64{0.1, 0.1, 0.1}}}
	err = autograd.Run(t.Context(), func(s *autograd.Scope) (err error) {
		w.Arrays, err = backend.HostArrays(s, "", backend.New(s, built, 1).State())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	images := testset.Images(t, 3, 0)
	for _, tc := range []struct {
		name, weights, data string
		graph               *models.Graph // nil: the configured one
	}{
		{"mobilenet_v2, noise", "", "", nil},
		{"user's graph, noise", path, "", built},
		{"user's graph, images", path, images, built},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := config.Default()
			c.Model = smallV2(t)
			c.Data, c.Threads = tc.data, 1
			g := tc.graph
			if g == nil {
				if g, err = c.Graph(); err != nil {
					t.Fatal(err)
				}
			}
			r, err := Inspect(t.Context(), c, tc.weights, 4)
			if err != nil {
				t.Fatal(err)
			}
			var want, got, trainable, parameters []string
			for _, l := range g.Layers {
				want = append(want, l.Name)
			}
			for _, a := range g.Arrays() {
				if a.Role != "" {
					trainable = append(trainable, a.Name)
				}
			}
			for _, l := range r.Layers {
				got = append(got, l.Name)
				if !(l.Std > 0 && l.Gradient > 0) {
					t.Errorf("%+v", l)
				}
			}
			for _, p := range r.Parameters {
				parameters = append(parameters, p.Name)
			}
			if !slices.Equal(got, want) || !slices.Equal(parameters, trainable) || r.Network != g.String() {
				t.Errorf("%s: layers %q, want %q; arrays %q, want %q", r.Network, got, want, parameters, trainable)
			}
		})
	}
}

func TestInspectRefuses(t *testing.T) {
	c := config.Default()
	c.Model.Width, c.Model.Resolution = 0.25, 32
	for name, tc := range map[string]struct {
		weights, data string
		images        int
		want          string
	}{
		"no weights":      {"nowhere", "", 2, "nowhere"},
		"no data":         {"", "nowhere", 2, "nowhere"},
		"too many images": {"", testset.Images(t, 1, 0), 99, "3 images of the classes, less than a batch of 99"},
		"no image":        {"", "", 0, "batch_size"},
		"no class matches": {func() string {
			p := filepath.Join(t.TempDir(), "w.safetensors")
			_ = weightstest.New(t).Write(p)
			return p
		}(), testset.Images(t, 1, 0), 2, "0 images of the classes"},
	} {
		c.Data = tc.data
		if _, err := Inspect(context.Background(), c, tc.weights, tc.images); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}

func TestLayerState(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		// Two images, three channels of two values: the second is dead, the third in one image only.
		y := autograd.FromSlice(s, []float32{1, 3, 0, 0, 0, 0, 0, 2, 0, 0, 4, 2}, 2, 3, 1, 2)
		got := layerState(s, models.Layer{Name: "x"}, y)
		// Sum 12 of 12 values, squares 1+9+4+16+4 = 34.
		want := LayerState{Name: "x", Mean: 1, Std: math.Sqrt(34.0/12 - 1), Zeros: 7.0 / 12, Dead: 1.0 / 3}
		for what, pair := range map[string][2]float64{"mean": {got.Mean, want.Mean}, "std": {got.Std, want.Std}, "zeros": {got.Zeros, want.Zeros}, "dead": {got.Dead, want.Dead}} {
			if math.Abs(pair[0]-pair[1]) > 1e-12 {
				t.Errorf("%s is %v, want %v", what, pair[0], pair[1])
			}
		}
	})
}
