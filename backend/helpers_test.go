package backend

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// config returns a variant for a test.
func config(t testing.TB, arch, variant string) mobilenet.Config {
	t.Helper()
	c, err := mobilenet.Default(arch, variant)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// small is a configuration that tests can afford.
func small(t testing.TB, arch, variant string) mobilenet.Config {
	t.Helper()
	c := config(t, arch, variant)
	c.Width, c.Resolution, c.Classes = 0.0625, 32, 7
	return c
}

func graph(t testing.TB, c mobilenet.Config) *models.Graph {
	t.Helper()
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// build makes a graph of images 3x16x16 and two classes.
func build(t testing.TB, layers func(x *models.Node) *models.Node) *models.Graph {
	t.Helper()
	g, err := models.Build("test", layers(models.Input(models.Shape{Channels: 3, Height: 16, Width: 16})))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// head ends a graph.
func head(x *models.Node) *models.Node { return x.GlobalAvgPool().Linear(models.Linear{Out: 2}) }

// randomImages are normalized images of standard normal pixels, channels-last.
func randomImages(s *autograd.Scope, n, side int64) *autograd.Tensor {
	r := rand.New(rand.NewPCG(1, 2))
	pixels := make([]float32, n*3*side*side)
	for i := range pixels {
		pixels[i] = float32(r.NormFloat64())
	}
	return s.ChannelsLast(autograd.FromSlice(s, pixels, n, 3, side, side))
}

func noisePixels(n, height, width int) autograd.Pixels {
	p := autograd.Pixels{Values: make([]uint8, n*height*width*3), N: n, Height: height, Width: width,
		Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}}
	for i := range p.Values {
		p.Values[i] = uint8(uint32(i) * 2654435761 >> 24)
	}
	return p
}

// floats copies a tensor out as float64.
func floats(s *autograd.Scope, t *autograd.Tensor) []float64 {
	if s.Err() != nil || t == nil {
		return nil
	}
	return autograd.ToSlice[float64](s, s.To(s.Detach(t), autograd.Float64))
}

// size is the number of values of a tensor.
func size(t *autograd.Tensor) int {
	n := 1
	for _, d := range t.Shape() {
		n *= int(d)
	}
	return n
}

// checkNear compares by Euclidean norms: float32 rounding over 28 layers, measured at most 2.6e-6; a value that it takes across a kink
// of the activation moves a gradient by more.
func checkNear(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if d := relative(got, want); !(d <= 1e-4) {
		t.Errorf("%s: differs by %.1e of its norm", what, d)
	}
}

// relative is |got - want| / |want|, of Euclidean norms.
func relative[T float32 | float64](got, want []T) float64 {
	var d, n float64
	for i := range want {
		d += math.Pow(float64(got[i])-float64(want[i]), 2)
		n += math.Pow(float64(want[i]), 2)
	}
	return math.Sqrt(d) / (math.Sqrt(n) + 1e-8)
}

// each calls f for every variant of every architecture, or of those named.
func each(t *testing.T, f func(t *testing.T, arch, variant string), archs ...string) {
	if archs == nil {
		archs = mobilenet.Archs()
	}
	for _, arch := range archs {
		for _, variant := range mobilenet.Variants(arch) {
			t.Run(arch+"/"+variant, func(t *testing.T) { f(t, arch, variant) })
		}
	}
}

// sameShape compares names and shapes.
func sameShape(a, b models.Array) bool { return a.Name == b.Name && slices.Equal(a.Shape, b.Shape) }

// descend moves the parameters that train a little against their gradients, and releases these.
func descend(s *autograd.Scope, n *Network) {
	var weights autograd.List
	for _, p := range n.Trainable() {
		weights = append(weights, p.Tensor)
	}
	s.Fail(s.NoGrad(func(s *autograd.Scope) error {
		weights.AddScaled(s, autograd.GradsOf(s, weights), -0.01)
		return s.Err()
	}))
	autograd.ZeroGrads(s, weights)
}
