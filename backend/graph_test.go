package backend

import (
	"math"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/models"
)

// set overwrites an array of a network.
func set(s *autograd.Scope, n *Network, name string, values ...float32) {
	for _, e := range n.State() {
		if e.Name == name {
			s.Fail(s.NoGrad(func(s *autograd.Scope) error {
				autograd.CopyFromSlice(s, e.Tensor, slices.Repeat(values, size(e.Tensor)/len(values)))
				return s.Err()
			}))
		}
	}
}

// Values of small graphs that can be computed by hand: images of one channel, the pixels 0 to 15.
func TestLayersCompute(t *testing.T) {
	input := func() *models.Node { return models.Input(models.Shape{Channels: 1, Height: 4, Width: 4}) }
	negative := func() *models.Node { return input().Conv(models.Conv{Out: 1}).Named("minus") } // weight -1
	for _, tc := range []struct {
		name string
		node *models.Node
		want []float64
	}{
		{"flatten", input().Flatten().Linear(models.Linear{Out: 1, NoBias: true}).Named("ones"), []float64{120}},
		{"mean", input().GlobalAvgPool().Linear(models.Linear{Out: 1, NoBias: true}).Named("ones"), []float64{7.5}},
		{"a layer added to itself", func() *models.Node {
			x := negative()
			return x.Add(x).GlobalAvgPool().Linear(models.Linear{Out: 1, NoBias: true}).Named("ones")
		}(), []float64{-15}},
		{"the image added", func() *models.Node {
			x := input()
			y := x.Conv(models.Conv{Out: 1}).Named("minus").ReLU() // zeros
			return y.Add(x).Add(x).GlobalAvgPool().Linear(models.Linear{Out: 1, NoBias: true}).Named("ones")
		}(), []float64{15}},
		{"maximum", negative().MaxPool(models.Pool{Kernel: 2}).GlobalAvgPool().Linear(models.Linear{Out: 1, NoBias: true}).Named("ones"), []float64{-5}},
		// Windows of 3 at stride 2 with TensorFlow's padding (0, 1): the maxima of the negative pixels are at the top left,
		// 0, -2, -8 and -10. Zeros as padding would give 0 at three of them.
		{"maximum of negative values with padding on one side", negative().MaxPool(models.Pool{Kernel: 3, Stride: 2, Padding: models.Same}).GlobalAvgPool().Linear(models.Linear{Out: 1, NoBias: true}).Named("ones"), []float64{-5}},
		// Symmetric padding: windows begin at -1, the maxima are 0, -1, -4, -5.
		{"maximum of negative values with padding all around", negative().MaxPool(models.Pool{Kernel: 3, Stride: 2, Padding: models.Symmetric}).GlobalAvgPool().Linear(models.Linear{Out: 1, NoBias: true}).Named("ones"), []float64{-2.5}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, err := models.Build(tc.name, tc.node)
			if err != nil {
				t.Fatal(err)
			}
			autogradtest.Run(t, func(s *autograd.Scope) {
				n := New(s, g, 1)
				set(s, n, "minus.weight", -1)
				set(s, n, "ones.weight", 1)
				pixels := make([]float32, 16)
				for i := range pixels {
					pixels[i] = float32(i)
				}
				x := autograd.FromSlice(s, pixels, 1, 1, 4, 4)
				for range 2 { // the image is not changed
					if got := floats(s, n.Forward(s, x, autograd.Evaluation)); !slices.Equal(got, tc.want) {
						t.Errorf("got %v, want %v", got, tc.want)
					}
				}
			})
		})
	}
}

// An activation behind a flatten layer must not overwrite what the flatten layer is a view of. The builder makes such an
// activation a layer of its own, a graph of layers need not.
func TestActivationBehindFlatten(t *testing.T) {
	layers := []models.Layer{
		{Kind: models.KindConv, Name: "minus", Inputs: []string{models.InputName}, Out: 1, Kernel: 1, Stride: 1, Groups: 1, Padding: models.Valid},
		{Kind: models.KindFlatten, Name: "flatten", Inputs: []string{"minus"}, Activation: &models.Activation{Name: "relu", Function: models.ReLU}},
		{Kind: models.KindFlatten, Name: "plain", Inputs: []string{"minus"}},
		{Kind: models.KindAdd, Name: "add", Inputs: []string{"flatten", "plain"}},
	}
	g, err := models.NewGraph("views", models.Shape{Channels: 1, Height: 1, Width: 2}, layers)
	if err != nil {
		t.Fatal(err)
	}
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, g, 1)
		set(s, n, "minus.weight", -1)
		x := autograd.FromSlice(s, []float32{3, -4}, 1, 1, 1, 2)
		if got := floats(s, n.Forward(s, x, autograd.Evaluation)); !slices.Equal(got, []float64{-3, 8}) { // max(-x, 0) - x
			t.Errorf("got %v, want [-3 8]", got)
		}
	})
}

// MobileNet v2 trains on the torch backend in both precisions: steps of gradient descent on one batch lower its loss,
// and every parameter moves.
func TestV2Trains(t *testing.T) {
	for _, compute := range []autograd.DType{autograd.Float32, autograd.BFloat16} {
		t.Run(compute.String(), func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				autograd.Seed(s, 1)
				c := small(t, "mobilenet_v2", "torchvision")
				c.Width, c.Resolution = 0.25, 64
				n := New(s, graph(t, c), 1)
				x := randomImages(s, 8, 64)
				labels := autograd.Targets{Labels: []int64{0, 1, 2, 3, 4, 5, 6, 0}}
				var weights autograd.List
				var before [][]float32
				for _, p := range n.Parameters() {
					weights = append(weights, p.Tensor)
					before = append(before, autograd.ToSlice[float32](s, p.Tensor))
				}
				var first, last float64
				for step := range 12 {
					s.Fail(s.Sub(func(s *autograd.Scope) error {
						var logits *autograd.Tensor
						s.Fail(s.Autocast(compute, func(s *autograd.Scope) error {
							logits = s.Keep(n.Forward(s, x, autograd.Training))
							return s.Err()
						}))
						loss, scored := Torch{}.Loss(s, autograd.CrossEntropy{}, logits, labels)
						Torch{}.Backward(s, loss)
						if last, _ = read(s, scored); step == 0 {
							first = last
						}
						s.Fail(s.NoGrad(func(s *autograd.Scope) error {
							weights.AddScaled(s, autograd.GradsOf(s, weights), -0.05)
							return s.Err()
						}))
						autograd.ZeroGrads(s, weights)
						return s.Err()
					}))
				}
				if !(last < first-0.5) || math.IsNaN(first) {
					t.Errorf("loss %v became %v", first, last)
				}
				for i, p := range n.Parameters() {
					if slices.Equal(before[i], autograd.ToSlice[float32](s, p.Tensor)) {
						t.Errorf("%s did not change", p.Name)
					}
				}
			})
		})
	}
}
