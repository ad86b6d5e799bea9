package autograd_test

import (
	"fmt"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// rankPass is what a rank computes of a backbone, whose images are those of the batch of all ranks: as run, of the
// rank's part.
func (c backboneCase) rankPass(s *autograd.Scope, ranks []rankBatch, p *autograd.ProcessGroup, dtype, compute autograd.DType, fused bool) map[string][]float64 {
	x, parameters, statistics := c.tensors(s, dtype)
	factors := random(7, int64(c.images), int64(c.backbone.Layers[len(c.backbone.Layers)-1].Out))
	share := 1.0
	if p != nil {
		b := ranks[p.Rank()]
		c.backbone.Sync, share = b.sync(p), b.share()
		whole := array{data: values(s, x), shape: x.Shape()}
		x = s.SetRequiresGrad(s.ChannelsLast(s.To(whole.ofRank(ranks, p.Rank()).tensor(s), dtype)), !c.constantImages)
		if factors = factors.ofRank(ranks, p.Rank()); b.absent() {
			clear(factors.data)
		} else {
			scaled(factors.data, 1/share)
		}
	}
	features := c.features(s, x, parameters, statistics, dtype, compute, fused)
	s.Backward(s.Sum(s.Mul(features, s.To(factors.tensor(s), dtype))))
	if s.Err() != nil {
		return nil
	}
	r := map[string][]float64{"rows features": values(s, features)}
	gradient := func(name string, t *autograd.Tensor) {
		if g := s.Grad(t); g != nil {
			r[name] = scaled(values(s, g), share)
		}
	}
	gradient("rows images", x)
	for i, p := range parameters {
		gradient(fmt.Sprintf("sum of parameter %d %v", i, p.Shape()), p)
	}
	for i, b := range statistics {
		r[fmt.Sprintf("statistic %d", i)] = values(s, b)
	}
	return r
}

// overRanks divides a backbone's images.
func (c backboneCase) overRanks() map[string][]rankBatch {
	n := c.images
	if n == 1 {
		return map[string][]rankBatch{"a rank without images": {{images: 1}, {}}}
	}
	return map[string][]rankBatch{
		"two ranks":             {{images: n - n/2}, {images: n / 2}},
		"a rank without images": {{images: 1}, {}, {images: n - 1}},
		"class weights":         {{images: n - 1, weight: 0.3}, {images: 1, weight: 5}},
	}
}

// TestBackboneOverRanks: ranks compute what one process computes of the batch of all of them, in one operation and layer
// by layer.
func TestBackboneOverRanks(t *testing.T) {
	for _, c := range append(backboneCases(), extremeBackbones()...) {
		if c.mode != autograd.Training {
			continue
		}
		for split, ranks := range c.overRanks() {
			for _, tc := range []struct {
				name           string
				dtype, compute autograd.DType
				fused          bool
				within         float64
			}{
				// Roundings of 1e-16, 6e-8 and 2^-9, which statistics of few values amplify from layer to layer; measured
				// 6.5e-5 in float32, 1.8e-4 of the extreme values, 0.13 in bfloat16.
				{"unfused", f64, f32, false, 1e-10},
				{"fused", f32, f32, true, 5e-4},
				{"fused bf16", f32, autograd.BFloat16, true, 0.3},
			} {
				t.Run(fmt.Sprintf("%s/%s/%s", c.name, split, tc.name), func(t *testing.T) {
					var want map[string][]float64
					autogradtest.Run(t, func(s *autograd.Scope) { want = c.rankPass(s, ranks, nil, tc.dtype, tc.compute, tc.fused) })
					got := make(rankResults, len(ranks))
					autogradtest.RunRanks(t, len(ranks), func(s *autograd.Scope, p *autograd.ProcessGroup) {
						got[p.Rank()] = c.rankPass(s, ranks, p, tc.dtype, tc.compute, tc.fused)
					})
					compareRanks(t, got.joined(t, ranks), want, tc.within)
				})
			}
		}
	}
}
