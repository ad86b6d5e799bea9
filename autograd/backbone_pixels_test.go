package autograd_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// pixels returns random images of a case's size with ImageNet's normalization.
func (c backboneCase) pixels() autograd.Pixels {
	rng := rand.New(rand.NewPCG(c.seed, 3))
	p := autograd.Pixels{Values: make([]uint8, c.images*c.height*c.width*3), N: c.images, Height: c.height, Width: c.width,
		Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}}
	for i := range p.Values {
		p.Values[i] = uint8(rng.Uint32())
	}
	return p
}

// TestBackboneOfPixels: the stem normalizes pixels to the same bits as NormalizeImages, so all
// results are the same.
func TestBackboneOfPixels(t *testing.T) {
	for _, c := range backboneCases() {
		for _, compute := range []autograd.DType{autograd.Float32, autograd.BFloat16} {
			t.Run(fmt.Sprintf("%s/%v", strings.ReplaceAll(c.name, " ", "_"), compute), func(t *testing.T) {
				want, got := c.runPixels(t, compute, false), c.runPixels(t, compute, true)
				if len(got) != len(want) {
					t.Errorf("%d arrays, want %d", len(got), len(want))
				}
				for name := range want {
					if !slices.Equal(got[name], want[name]) {
						t.Errorf("%s differs", name)
					}
				}
			})
		}
	}
}

// runPixels computes forward and backward from pixels, or from NormalizeImages's output.
func (c backboneCase) runPixels(t *testing.T, compute autograd.DType, direct bool) backboneResult {
	r, p := backboneResult{}, c.pixels()
	given := slices.Clone(p.Values)
	autogradtest.Run(t, func(s *autograd.Scope) {
		_, parameters, statistics := c.tensors(s, autograd.Float32)
		var features *autograd.Tensor
		s.Fail(s.Autocast(compute, func(s *autograd.Scope) error {
			if direct {
				features = s.Keep(c.backbone.ForwardPixels(s, p, parameters, statistics, c.mode))
				if !slices.Equal(p.Values, given) {
					t.Error("the pixels were modified")
				}
				clear(p.Values) // as the loader's next batch would
			} else {
				x := s.NormalizeImages(p.Values, p.N, p.Height, p.Width, p.Mean, p.Std, autograd.CPU)
				features = s.Keep(c.backbone.Forward(s, x, parameters, statistics, c.mode))
			}
			return s.Err()
		}))
		s.Backward(s.Sum(s.Square(features)))
		r["features"] = values(s, features)
		for i, p := range parameters {
			if g := s.Grad(p); g != nil { // frozen parameters have none
				r[fmt.Sprintf("parameter %d", i)] = values(s, g)
			}
		}
		for i, b := range statistics {
			r[fmt.Sprintf("statistic %d", i)] = values(s, b)
		}
	})
	return r
}
