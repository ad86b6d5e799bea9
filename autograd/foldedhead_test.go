package autograd_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// headCase is a folded backbone with a given number of features, for tests of heads.
func headCase(images, features int) backboneCase {
	c := backboneCase{name: fmt.Sprint(features), images: images, height: 12, width: 12,
		backbone: autograd.Backbone{Cap: 6, Eps: 1e-3, Momentum: 0.1}, mode: autograd.Evaluation}
	b := &backboneBuilder{c: &c, h: 12, w: 12, channel: 3}
	for _, r := range [][3]int{{3, 16, 2}, {2, 16, 2}, {1, features, 1}} {
		b.add(r[0], r[1], r[2])
	}
	return c
}

// headOf returns a head's weight and bias, with values below 1.
func headOf(s *autograd.Scope, classes, features int) (weight, bias *autograd.Tensor) {
	fill := func(n, seed int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(int32(uint32(i+seed)*2654435761)) / (1 << 31)
		}
		return v
	}
	weight = autograd.FromSlice(s, fill(classes*features, 1), int64(classes), int64(features))
	return weight, autograd.FromSlice(s, fill(classes, 7), int64(classes))
}

// linear is x (n, features) times weight (classes, features), plus an optional bias.
func linear(x, weight, bias []float64, features int) []float64 {
	classes := len(weight) / features
	y := make([]float64, len(x)/features*classes)
	for i := range y {
		if bias != nil {
			y[i] = bias[i%classes]
		}
		for k := range features {
			y[i] += x[i/classes*features+k] * weight[i%classes*features+k]
		}
	}
	return y
}

// TestFoldedHeadMatchesLinear: logits are as close to the product of the features in float64 as
// libtorch's are.
func TestFoldedHeadMatchesLinear(t *testing.T) {
	for _, c := range []backboneCase{headCase(5, 24), headCase(7, 200), headCase(13, 1024)} {
		for _, classes := range []int{1, 2, 3, 20, 1000} {
			for _, biased := range []bool{true, false} {
				autogradtest.Run(t, func(s *autograd.Scope) {
					x, parameters, statistics := c.tensors(s, autograd.Float32)
					features := c.backbone.Layers[len(c.backbone.Layers)-1].Out
					weight, bias := headOf(s, classes, features)
					var biases []float64
					if !biased {
						bias = nil
					} else {
						biases = values(s, bias)
					}
					folded := autograd.NewFoldedBackbone(s, autograd.BFloat16, parameters, statistics).WithHead(weight, bias)
					pooled := folded.Forward(s, c.backbone, x)
					want := linear(values(s, pooled), values(s, weight), biases, features)
					ours := distance(values(s, folded.Logits(s, c.backbone, x)), want)
					theirs := distance(values(s, s.Linear(pooled, weight, bias)), want)
					// float32: 6e-8 per rounding; sums of 1024 were off by 1.5e-7, libtorch's by
					// 1.9e-7.
					if !(ours <= 2*theirs+1e-7) {
						t.Errorf("%d features, %d classes, bias %v: off by %.1e, libtorch's by %.1e", features, classes, biased, ours, theirs)
					}
				})
			}
		}
	}
}

// TestFoldedHeadDoesNotDependOnTheBatch: an image's logits have the same bits alone, in any batch
// and on any number of threads, from values and from pixels.
func TestFoldedHeadDoesNotDependOnTheBatch(t *testing.T) {
	c := headCase(23, 200)
	p := autograd.Pixels{Values: make([]uint8, c.images*12*12*3), N: c.images, Height: 12, Width: 12, Std: [3]float64{1, 1, 1}}
	for i := range p.Values {
		p.Values[i] = uint8(i * i >> 3)
	}
	each := len(p.Values) / c.images
	autogradtest.Run(t, func(s *autograd.Scope) {
		defer autograd.SetThreads(s, autograd.Threads())
		_, parameters, statistics := c.tensors(s, autograd.Float32)
		for _, classes := range []int{1, 3, 20, 1000} {
			for _, compute := range []autograd.DType{autograd.Float32, autograd.BFloat16} {
				folded := autograd.NewFoldedBackbone(s, compute, parameters, statistics).WithHead(headOf(s, classes, 200))
				autograd.SetThreads(s, 1)
				want := values(s, folded.LogitsPixels(s, c.backbone, p))
				for _, threads := range []int{1, 2, 3, 8} {
					autograd.SetThreads(s, threads)
					for _, n := range []int{1, 2, 5, c.images} {
						part := p
						part.Values, part.N = p.Values[(c.images-n)*each:], n
						if got := values(s, folded.LogitsPixels(s, c.backbone, part)); !slices.Equal(got, want[(c.images-n)*classes:]) {
							t.Errorf("%v: %d classes, %d images on %d threads: bits differ from all images on one thread", compute, classes, n, threads)
						}
						x := s.NormalizeImages(part.Values, part.N, 12, 12, part.Mean, part.Std, autograd.CPU)
						if got := values(s, folded.Logits(s, c.backbone, x)); !slices.Equal(got, want[(c.images-n)*classes:]) {
							t.Errorf("%v: %d classes, %d images on %d threads: values and pixels give different bits", compute, classes, n, threads)
						}
					}
				}
			}
		}
	})
}

// TestFoldedHeadIsolatesNaN: an image with NaN or infinity has the logits that libtorch's product
// gives it, and other images are unaffected. The features' padding (200 of 208) is infinity times
// zero there.
func TestFoldedHeadIsolatesNaN(t *testing.T) {
	c := headCase(6, 200)
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		autogradtest.Run(t, func(s *autograd.Scope) {
			x, parameters, statistics := c.tensors(s, autograd.Float32)
			weight, bias := headOf(s, 20, 200)
			folded := autograd.NewFoldedBackbone(s, autograd.Float32, parameters, statistics).WithHead(weight, bias)
			good := values(s, folded.Logits(s, c.backbone, x))
			pixels := autograd.ToSlice[float32](s, x)
			pixels[2*len(pixels)/6] = float32(bad) // of the third image
			x = s.ChannelsLast(autograd.FromSlice(s, pixels, x.Shape()...))
			got := values(s, folded.Logits(s, c.backbone, x))
			checkFinite(t, fmt.Sprintf("logits with %v", bad), got, values(s, s.Linear(folded.Forward(s, c.backbone, x), weight, bias)))
			if !slices.Equal(got[:40], good[:40]) || !slices.Equal(got[60:], good[60:]) {
				t.Errorf("%v in an image changed the logits of others", bad)
			}
		})
	}
}

// TestFoldedHeadFoldsAgain: every write to the head's weight or bias is seen, a new head replaces
// the old one, and features do not change.
func TestFoldedHeadFoldsAgain(t *testing.T) {
	c := headCase(3, 200)
	autogradtest.Run(t, func(s *autograd.Scope) {
		x, parameters, statistics := c.tensors(s, autograd.Float32)
		weight, bias := headOf(s, 20, 200)
		folded := autograd.NewFoldedBackbone(s, autograd.Float32, parameters, statistics)
		features := values(s, folded.Forward(s, c.backbone, x))
		folded.WithHead(weight, bias)
		before := values(s, folded.Logits(s, c.backbone, x))
		for _, p := range []*autograd.Tensor{weight, bias} {
			s.Fail(s.NoGrad(func(s *autograd.Scope) error {
				autograd.List{p}.Scale(s, 1.5)
				return s.Err()
			}))
			got := values(s, folded.Logits(s, c.backbone, x))
			fresh := autograd.NewFoldedBackbone(s, autograd.Float32, parameters, statistics).WithHead(weight, bias)
			if slices.Equal(got, before) || !slices.Equal(got, values(s, fresh.Logits(s, c.backbone, x))) {
				t.Error("after a change of the head the logits are unchanged, or differ from those of a new fold")
			}
			before = got
		}
		if got := values(s, folded.WithHead(headOf(s, 3, 200)).Logits(s, c.backbone, x)); len(got) != 3*3 {
			t.Errorf("%d logits of three images and classes", len(got))
		}
		if !slices.Equal(values(s, folded.Forward(s, c.backbone, x)), features) {
			t.Error("a head changes the features")
		}
	})
}

// TestFoldedHeadErrors: a head that does not fit the features is an error.
func TestFoldedHeadErrors(t *testing.T) {
	c := headCase(3, 200)
	for _, r := range []struct {
		name, want string
		head       func(s *autograd.Scope, f *autograd.FoldedBackbone)
	}{
		{"no head", "WithHead", func(*autograd.Scope, *autograd.FoldedBackbone) {}},
		{"a head of other features", "must be (classes, 200), not [20, 24]", func(s *autograd.Scope, f *autograd.FoldedBackbone) {
			f.WithHead(headOf(s, 20, 24))
		}},
		{"a weight of one dimension", "must be (classes, 200)", func(s *autograd.Scope, f *autograd.FoldedBackbone) {
			_, bias := headOf(s, 200, 1)
			f.WithHead(bias, nil)
		}},
		{"a bias of other classes", "where 20 values are expected", func(s *autograd.Scope, f *autograd.FoldedBackbone) {
			weight, _ := headOf(s, 20, 200)
			_, bias := headOf(s, 3, 200)
			f.WithHead(weight, bias)
		}},
		{"float64", "float32", func(s *autograd.Scope, f *autograd.FoldedBackbone) {
			weight, _ := headOf(s, 20, 200)
			f.WithHead(s.To(weight, autograd.Float64), nil)
		}},
	} {
		err := failing(t, func(s *autograd.Scope) error {
			x, parameters, statistics := c.tensors(s, autograd.Float32)
			f := autograd.NewFoldedBackbone(s, autograd.Float32, parameters, statistics)
			r.head(s, f)
			f.Logits(s, c.backbone, x)
			return s.Err()
		})
		if !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: error %q does not contain %q", r.name, err, r.want)
		}
	}
}
