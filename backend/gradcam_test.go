package backend

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/models"
)

// camImages are the images of testdata/make_gradcam.py, as a loader leaves them.
func camImages(n, side int) autograd.Pixels {
	values := formula("images", n*3*side*side, 0, 1)
	p := autograd.Pixels{N: n, Height: side, Width: side, Mean: [3]float64{0.5, 0.5, 0.5}, Std: [3]float64{0.25, 0.25, 0.25}, Values: make([]uint8, len(values))}
	for i := range n {
		for c := range 3 {
			for k := range side * side {
				p.Values[(i*side*side+k)*3+c] = uint8(math.RoundToEven(float64(values[(i*3+c)*side*side+k]) * 255))
			}
		}
	}
	return p
}

func camGraphs(t *testing.T) map[string]*models.Graph {
	c := config(t, "mobilenet_v1", "paper")
	c.Width, c.Classes, c.Resolution = referenceWidth, referenceClasses, 64
	stem := func() *models.Node {
		return models.Input(models.Shape{Channels: 3, Height: 32, Width: 32}).Conv(models.Conv{Out: 8, Kernel: 3, Stride: 4, Padding: models.Symmetric}).Named("conv").ReLU()
	}
	built := func(n *models.Node) *models.Graph {
		g, err := models.Build("test", n)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	return map[string]*models.Graph{
		"paper": graph(t, c),
		"two linear layers": built(stem().GlobalAvgPool().Linear(models.Linear{Out: 6}).Named("hidden").ReLU().Dropout(0.5).
			Linear(models.Linear{Out: referenceClasses}).Named("classifier")),
		"flattened": built(stem().MaxPool(models.Pool{Kernel: 2, Stride: 2, Padding: models.Valid}).Flatten().
			Linear(models.Linear{Out: referenceClasses}).Named("classifier")),
	}
}

// TestGradCAMAgreesWithPyTorch compares maps with those of testdata/make_gradcam.py.
func TestGradCAMAgreesWithPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/gradcam.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]struct {
		Shape []int
		Maps  []float32
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	classes := make([]int, referenceBatch)
	for i := range classes {
		classes[i] = i * 3 % referenceClasses
	}
	for name, g := range camGraphs(t) {
		t.Run(name, func(t *testing.T) {
			want := golden[name]
			autogradtest.Run(t, func(s *autograd.Scope) {
				n := referenceNetwork(t, s, g)
				maps, height, width, err := n.GradCAM(s, camImages(referenceBatch, g.Input.Height), classes)
				if err != nil {
					t.Fatal(err)
				}
				if len(maps) != len(want.Maps) || height != want.Shape[1] || width != want.Shape[2] {
					t.Fatalf("%d values of %dx%d, want %v", len(maps), height, width, want.Shape)
				}
				got := make([]float64, len(maps))
				for i, v := range maps {
					got[i] = float64(v)
				}
				compare(t, "maps", got, want.Maps, 1e-5) // of float32 networks; measured 3.3e-7
			})
		})
	}
}

// TestGradCAMIsCAM: behind global pooling and one linear layer the gradients are its weights, divided by the number of positions
// (Selvaraju et al. 2017, section 3.1); and parameters get no gradients.
func TestGradCAMIsCAM(t *testing.T) {
	for _, c := range []struct{ arch, variant string }{{"mobilenet_v1", "paper"}, {"mobilenet_v1", "article"}, {"mobilenet_v1", "timm"}, {"mobilenet_v2", "torchvision"}, {"mobilenet_v2", "keras"}} {
		t.Run(c.arch+" "+c.variant, func(t *testing.T) {
			o := config(t, c.arch, c.variant)
			o.Width, o.Classes, o.Resolution = referenceWidth, referenceClasses, 96
			g := graph(t, o)
			autogradtest.Run(t, func(s *autograd.Scope) {
				n := referenceNetwork(t, s, g)
				pixels, classes := camImages(2, 96), []int{4, 1}
				maps, height, width, err := n.GradCAM(s, pixels, classes)
				if err != nil {
					t.Fatal(err)
				}
				count, err := g.FeatureMapLayers()
				if err != nil {
					t.Fatal(err)
				}
				features := floats(s, torchInference{n, n.DType()}.firstLayers(s, count, func(s *autograd.Scope) *autograd.Tensor { return n.normalized(s, pixels) }))
				var weight []float64
				for _, p := range n.Parameters() {
					if g := s.Grad(p.Tensor); g != nil {
						t.Errorf("%s has a gradient", p.Name)
					}
					if strings.HasSuffix(p.Name, "classifier.weight") {
						weight = floats(s, p.Tensor)
					}
				}
				positions := height * width
				channels := len(features) / 2 / positions
				want, got := make([]float32, len(maps)), make([]float64, len(maps))
				for i := range maps {
					image, k, sum := i/positions, i%positions, 0.0
					for ch := range channels {
						sum += weight[classes[image]*channels+ch] * features[(image*channels+ch)*positions+k]
					}
					want[i], got[i] = float32(max(sum, 0)/float64(positions)), float64(maps[i])
				}
				if positions != 9 {
					t.Errorf("a map of %dx%d", height, width)
				}
				compare(t, "maps", got, want, 1e-5)
			})
		})
	}
}

// TestGradCAMWithoutMap: networks that have no last feature map are refused.
func TestGradCAMWithoutMap(t *testing.T) {
	for name, layers := range map[string]func(x *models.Node) *models.Node{
		"no convolution": func(x *models.Node) *models.Node { return x.Flatten().Linear(models.Linear{Out: 2}) },
		"two branches": func(x *models.Node) *models.Node {
			y := x.Conv(models.Conv{Out: 4, Kernel: 3}).ReLU()
			return y.GlobalAvgPool().Linear(models.Linear{Out: 2}).Add(y.Flatten().Linear(models.Linear{Out: 2}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := build(t, layers)
			autogradtest.Run(t, func(s *autograd.Scope) {
				if _, _, _, err := New(s, g, 1).GradCAM(s, camImages(1, 16), []int{0}); err == nil || !strings.Contains(err.Error(), "no last feature map") {
					t.Errorf("%v", err)
				}
			})
		})
	}
}
