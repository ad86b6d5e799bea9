package autograd_test

import (
	"fmt"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// rankPass is what a rank computes of a layer, whose images are those of the batch of all ranks: as pass, of the rank's
// part.
func (l fusedConvSetup) rankPass(s *autograd.Scope, ranks []rankBatch, p *autograd.ProcessGroup, dtype, compute autograd.DType) map[string][]float64 {
	leaves, bn := l.tensors(s, dtype)
	cotangent := s.To(fill(s, 7, l.output(s, leaves, bn).Shape()...), f64)
	factors := array{data: autograd.ToSlice[float64](s, cotangent), shape: cotangent.Shape()}
	share := 1.0
	if p != nil {
		b := ranks[p.Rank()]
		bn.Sync, share = b.sync(p), b.share()
		for _, i := range []int{0, 4} {
			if leaves[i] != nil {
				whole := array{data: values(s, leaves[i]), shape: leaves[i].Shape()}
				leaves[i] = s.RequireGrad(s.ChannelsLast(s.To(whole.ofRank(ranks, p.Rank()).tensor(s), dtype)))
			}
		}
		if factors = factors.ofRank(ranks, p.Rank()); b.absent() {
			clear(factors.data)
		} else {
			scaled(factors.data, 1/share)
		}
	}
	r := map[string][]float64{}
	s.Fail(s.Autocast(compute, func(s *autograd.Scope) error {
		y := l.conv.Forward(s, leaves[0], leaves[1], leaves[5], bn, leaves[4])
		s.Backward(s.Sum(s.Mul(y, s.To(factors.tensor(s), y.DType()))))
		if s.Err() != nil {
			return s.Err()
		}
		r["rows y"], r["mean"], r["variance"] = values(s, y), values(s, bn.Mean), values(s, bn.Var)
		for i, name := range []string{"rows x", "sum w", "sum gamma", "sum beta", "rows residual", "sum bias"} {
			if leaves[i] != nil {
				r[name] = scaled(values(s, s.Grad(leaves[i])), share)
			}
		}
		return s.Err()
	}))
	return r
}

// TestFusedConvOverRanks: ranks compute what one process computes of the batch of all of them, by the kernels, and by
// libtorch's operations where the kernels do not compute the layer.
func TestFusedConvOverRanks(t *testing.T) {
	setups := fusedConvSetups()
	setups["10 channels"] = fusedConvSetup{x: []int64{4, 3, 4, 4}, w: []int64{10, 3, 1, 1}, bias: true}
	for name, layer := range setups {
		for _, split := range splits {
			layer.x = slices.Concat([]int64{int64(totalImages(split.rank))}, layer.x[1:])
			for _, tc := range []struct {
				dtype, compute autograd.DType
				within         float64
			}{
				// Roundings of 1e-16, 6e-8 and 2^-9, amplified by 1/std, and few activations that they switch on or off;
				// measured 2.5e-14, 3.7e-6 and 0.12.
				{f64, f32, 1e-12},
				{f32, f32, 2e-5},
				{f32, autograd.BFloat16, 0.4},
			} {
				t.Run(fmt.Sprintf("%s/%s/%v %v", name, split.name, tc.dtype, tc.compute), func(t *testing.T) {
					var want map[string][]float64
					autogradtest.Run(t, func(s *autograd.Scope) { want = layer.rankPass(s, split.rank, nil, tc.dtype, tc.compute) })
					got := make(rankResults, len(split.rank))
					autogradtest.RunRanks(t, len(split.rank), func(s *autograd.Scope, p *autograd.ProcessGroup) {
						got[p.Rank()] = layer.rankPass(s, split.rank, p, tc.dtype, tc.compute)
					})
					all := got.joined(t, split.rank)
					for i := range want["sum bias"] { // it is zero but for rounding
						want["sum bias"][i]++
						all["sum bias"][i]++
					}
					compareRanks(t, all, want, tc.within)
				})
			}
		}
	}
}
