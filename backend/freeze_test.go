package backend

import (
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// TestFrozenPartsDoNotTrain: a training pass of every backend gives gradients of the trainable parameters alone,
// changes the running statistics of the other batch norms alone, and all backends agree.
func TestFrozenPartsDoNotTrain(t *testing.T) {
	for _, tc := range []struct {
		name   string
		frozen Frozen
		// constant reports whether the array must stay.
		constant func(name string) bool
	}{
		{"nothing", Frozen{}, func(string) bool { return false }},
		{"stem and first block", Frozen{Layers: 3}, func(name string) bool {
			return strings.HasPrefix(name, "conv_stem") || strings.HasPrefix(name, "bn1") || strings.HasPrefix(name, "blocks.0.0")
		}},
		{"half a block", Frozen{Layers: 2}, func(name string) bool {
			return strings.HasPrefix(name, "conv_stem") || strings.HasPrefix(name, "bn1.") || name == "blocks.0.0.conv_dw.weight" || strings.HasPrefix(name, "blocks.0.0.bn1")
		}},
		{"backbone", Frozen{Layers: 28}, func(name string) bool { return !strings.HasPrefix(name, "classifier") }},
		{"norms", Frozen{Norms: true}, func(name string) bool { return strings.Contains(name, "bn") }},
		{"norms and the stem", Frozen{Norms: true, Layers: 1}, func(name string) bool {
			return strings.Contains(name, "bn") || strings.HasPrefix(name, "conv_stem")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			results := make([]map[string][]float32, len(backends))
			for i, b := range backends {
				results[i] = frozenPass(t, b, tc.frozen, tc.constant)
			}
			// The batch's statistics amplify rounding through 27 layers, to 2.4e-2; a gradient of other statistics differs by
			// 0.5 or more. autograd's TestBackboneMatchesReference compares with float64.
			last := len(backends) - 1
			for i, b := range backends[:last] {
				for name, want := range results[last] {
					if d := relative(results[i][name], want); !(d <= 0.1) {
						t.Errorf("%s, backend %s: differs by %.1e of its norm", name, b.Name(), d)
					}
				}
			}
		})
	}
}

// frozenPass returns the gradients of one training pass, and the running statistics after it.
func frozenPass(t *testing.T, b Backend, f Frozen, constant func(string) bool) map[string][]float32 {
	t.Helper()
	result := map[string][]float32{}
	autogradtest.Run(t, func(s *autograd.Scope) {
		c := config(t, "mobilenet_v1", "paper")
		c.Width, c.Resolution, c.Classes = 0.125, 64, 3
		n := New(s, graph(t, c), 1)
		n.Freeze(s, f)
		before := map[string][]float32{}
		for _, a := range n.Buffers() {
			before[a.Name] = autograd.ToSlice[float32](s, a.Tensor)
		}
		y := b.ForwardPixels(s, n, noisePixels(16, 64, 64), autograd.Training)
		b.Backward(s, s.Sum(s.Square(y)))
		var trainable []string
		for _, p := range n.Trainable() {
			trainable = append(trainable, p.Name)
		}
		for _, p := range n.Parameters() {
			g := s.Grad(p.Tensor)
			if trains := !constant(p.Name); trains != (g != nil) || trains != slices.Contains(trainable, p.Name) {
				t.Errorf("%s: %s trains: %v, has a gradient: %v, is among Trainable: %v", b.Name(), p.Name, trains, g != nil, slices.Contains(trainable, p.Name))
			}
			if g != nil {
				result[p.Name] = autograd.ToSlice[float32](s, g)
			}
		}
		for _, a := range n.Buffers() {
			after := autograd.ToSlice[float32](s, a.Tensor)
			if same := slices.Equal(after, before[a.Name]); same != constant(a.Name) {
				t.Errorf("%s: %s is unchanged: %v, want %v", b.Name(), a.Name, same, constant(a.Name))
			}
			result[a.Name] = after
		}
	})
	return result
}

// TestFreezingCanEnd: after Freeze of nothing all parameters train, on another device or in another type too.
func TestFreezingCanEnd(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, graph(t, small(t, "mobilenet_v2", "torchvision")), 1)
		all := len(n.Parameters())
		n.Freeze(s, Frozen{Layers: 5})
		n.ToDType(s, autograd.Float64)
		if got := len(n.Trainable()); got >= all || n.Frozen().Layers != 5 {
			t.Errorf("%d of %d parameters train, %+v", got, all, n.Frozen())
		}
		n.Freeze(s, Frozen{})
		s.Backward(s.Sum(n.Forward(s, s.To(randomImages(s, 2, 32), autograd.Float64), autograd.Evaluation)))
		for _, p := range n.Trainable() {
			if s.Grad(p.Tensor) == nil {
				t.Errorf("%s has no gradient", p.Name)
			}
		}
		if got := len(n.Trainable()); got != all {
			t.Errorf("%d of %d parameters train", got, all)
		}
	})
}

// TestHeadOfFeaturesIsTheNetwork: features and head, one after the other, give the logits of the whole.
func TestHeadOfFeaturesIsTheNetwork(t *testing.T) {
	each(t, func(t *testing.T, arch, variant string) {
		autogradtest.Run(t, func(s *autograd.Scope) {
			g := graph(t, small(t, arch, variant))
			n := referenceNetwork(t, s, g)
			for _, b := range backends {
				if b.Supports(g, autograd.CPU) != nil {
					continue
				}
				inference := b.Inference(s, n, autograd.Float32)
				p := noisePixels(3, 32, 32)
				want := autograd.ToSlice[float32](s, inference.ForwardPixels(s, p))
				features := inference.FeaturesPixels(s, p)
				if shape := features.Shape(); len(shape) != 2 || shape[0] != 3 {
					t.Errorf("%s: features %v", b.Name(), shape)
				}
				checkNear(t, b.Name(), autograd.ToSlice[float32](s, n.Head(s, features, autograd.Evaluation)), want)
				x := s.NormalizeImages(p.Values, p.N, p.Height, p.Width, p.Mean, p.Std, autograd.CPU)
				checkNear(t, b.Name()+", tensors", autograd.ToSlice[float32](s, n.Head(s, inference.Features(s, x), autograd.Evaluation)), want)
			}
		})
	})
}

// TestStatistics: those of frozen batch norms do not change, and are not listed.
func TestStatistics(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, graph(t, small(t, "mobilenet_v1", "paper")), 1)
		for _, c := range []struct {
			frozen Frozen
			want   int // of the norms
		}{{Frozen{}, norms(n, 0)}, {Frozen{Layers: 2}, norms(n, 2)}, {Frozen{Norms: true}, 0}} {
			n.Freeze(s, c.frozen)
			if got := n.Statistics(); len(got) != 2*c.want {
				t.Errorf("%+v: %d statistics, want mean and variance of %d norms", c.frozen, len(got), c.want)
			}
		}
	})
}

// norms counts the batch norms from a layer on.
func norms(n *Network, first int) int {
	count := 0
	for _, l := range n.Graph.Layers[first:] {
		if l.Norm != nil {
			count++
		}
	}
	return count
}
