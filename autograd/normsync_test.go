package autograd_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// rankBatch is a rank's part of a batch.
type rankBatch struct {
	images int     // 0: the rank has none, and takes part with one that does not count
	weight float64 // of its loss; 0: the number of images
}

func (b rankBatch) absent() bool { return b.images == 0 }

func (b rankBatch) share() float64 {
	if b.weight != 0 {
		return b.weight
	}
	return float64(b.images)
}

func (b rankBatch) sync(p *autograd.ProcessGroup) *autograd.NormSync {
	return &autograd.NormSync{Group: p, Weight: b.share(), Absent: b.absent()}
}

// splits are ways to divide batches over ranks.
var splits = []struct {
	name string
	rank []rankBatch
}{
	{"one rank", []rankBatch{{images: 4}}},
	{"two equal ranks", []rankBatch{{images: 2}, {images: 2}}},
	{"an uneven last batch", []rankBatch{{images: 3}, {images: 1}}},
	{"one image each", []rankBatch{{images: 1}, {images: 1}, {images: 1}, {images: 1}}},
	{"a rank without images", []rankBatch{{images: 3}, {}, {images: 2}}},
	{"the first rank without images", []rankBatch{{}, {images: 4}}},
	{"class weights", []rankBatch{{images: 2, weight: 0.3}, {images: 3, weight: 7}}},
	{"sums of losses", []rankBatch{{images: 3, weight: 1}, {images: 1, weight: 1}}},
}

// totalImages is the size of the batch of all ranks.
func totalImages(ranks []rankBatch) (n int) {
	for _, r := range ranks {
		n += r.images
	}
	return n
}

// firstImage is the place of a rank's first image in the batch of all ranks.
func firstImage(ranks []rankBatch, rank int) int { return totalImages(ranks[:rank]) }

// ofRank is the part of a rank along the first dimension. A rank without images has one of sevens, which must not count.
func (a array) ofRank(ranks []rankBatch, rank int) array {
	row := len(a.data) / int(a.shape[0])
	part := array{shape: slices.Clone(a.shape)}
	if part.shape[0] = int64(ranks[rank].images); part.shape[0] == 0 {
		part.shape[0] = 1
		part.data = slices.Repeat([]float64{7}, row)
		return part
	}
	first := firstImage(ranks, rank)
	part.data = slices.Clone(a.data[first*row : (first+ranks[rank].images)*row])
	return part
}

// rankResults are arrays of each rank by name.
type rankResults []map[string][]float64

// joined are the arrays of the batch of all ranks: those named "rows" one rank after another, without ranks that have no
// images; gradients of parameters, named "sum", added up; all others must be equal on all ranks.
func (r rankResults) joined(t *testing.T, ranks []rankBatch) map[string][]float64 {
	t.Helper()
	all := map[string][]float64{}
	for rank, result := range r {
		for name, values := range result {
			switch {
			case strings.HasPrefix(name, "rows"):
				if !ranks[rank].absent() {
					all[name] = append(all[name], values...)
				}
			case strings.HasPrefix(name, "sum"):
				if all[name] == nil {
					all[name] = make([]float64, len(values))
				}
				for i, v := range values {
					all[name][i] += v
				}
			default:
				if rank > 0 && !slices.Equal(values, r[0][name]) {
					t.Errorf("%s: rank %d has other bits than rank 0", name, rank)
				}
				all[name] = values
			}
		}
	}
	return all
}

// scaled multiplies values.
func scaled(values []float64, by float64) []float64 {
	for i := range values {
		values[i] *= by
	}
	return values
}

// normSetup is a batch norm, its input and its loss: the sum of the outputs times fixed factors.
type normSetup struct {
	shape  []int64 // of x, without the images
	offset float64 // of x
	flat   bool    // x in row-major order, not channels-last
	frozen bool    // x needs no gradient
	twice  bool    // computed again in the backward pass
}

// pass returns the results of a rank. Without a group it is the batch of all ranks.
func (c normSetup) pass(s *autograd.Scope, ranks []rankBatch, p *autograd.ProcessGroup, dtype, input autograd.DType) map[string][]float64 {
	n, channels := int64(totalImages(ranks)), c.shape[0]
	x, factors := random(1, slices.Concat([]int64{n}, c.shape)...), random(2, slices.Concat([]int64{n}, c.shape)...)
	for i := range x.data {
		x.data[i] += c.offset
	}
	bn := autograd.BatchNorm{Momentum: 0.1, Eps: 1e-3}
	share := 1.0
	if p != nil {
		b := ranks[p.Rank()]
		x, factors = x.ofRank(ranks, p.Rank()), factors.ofRank(ranks, p.Rank())
		if bn.Sync, share = b.sync(p), b.share(); b.absent() {
			clear(factors.data)
		} else {
			scaled(factors.data, 1/share)
		}
	}
	param := func(seed uint64, scale, shift float64) *autograd.Tensor {
		a := random(seed, channels)
		for i := range a.data {
			a.data[i] = shift + scale*a.data[i]
		}
		return s.To(a.tensor(s), dtype)
	}
	bn.Weight, bn.Bias = s.RequireGrad(param(3, 0.5, 1)), s.RequireGrad(param(4, 0.5, 0))
	bn.Mean, bn.Var = param(5, 0.3, c.offset), param(6, 0.4, 0.8)
	given := s.To(x.tensor(s), input)
	if len(c.shape) == 3 && !c.flat {
		given = s.ChannelsLast(given)
	}
	given = s.SetRequiresGrad(given, !c.frozen)
	norm := func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
		return bn.Forward(s, in[0], autograd.Training)
	}
	var y *autograd.Tensor
	if c.twice {
		y = s.Checkpoint(norm, given)
	} else {
		y = norm(s, []*autograd.Tensor{given})
	}
	s.Backward(s.Sum(s.Mul(y, s.To(factors.tensor(s), y.DType()))))
	if s.Err() != nil {
		return nil
	}
	r := map[string][]float64{"rows y": values(s, y), "sum dweight": scaled(values(s, s.Grad(bn.Weight)), share), "sum dbias": scaled(values(s, s.Grad(bn.Bias)), share),
		"mean": values(s, bn.Mean), "variance": values(s, bn.Var)}
	if !c.frozen {
		r["rows dx"] = scaled(values(s, s.Grad(given)), share)
	}
	return r
}

// TestSyncBatchNorm compares ranks with one process that has the batch of all of them, by libtorch's own batch norm.
func TestSyncBatchNorm(t *testing.T) {
	for _, setup := range []struct {
		name   string
		norm   normSetup
		within [3]float64 // in float64, in float32, and of bfloat16 values
	}{
		// Roundings of 1e-16, 6e-8 and 2^-9, amplified by 1/std; measured 6e-15, 1.4e-7 and 5e-3.
		{"images", normSetup{shape: []int64{5, 6, 7}}, [3]float64{1e-12, 2e-6, 2e-2}},
		{"row-major images", normSetup{shape: []int64{5, 6, 7}, flat: true}, [3]float64{1e-12, 2e-6, 2e-2}},
		{"many rows", normSetup{shape: []int64{16, 64, 64}}, [3]float64{1e-12, 2e-6, 2e-2}},
		{"one position", normSetup{shape: []int64{8, 1, 1}}, [3]float64{1e-12, 2e-6, 2e-2}},
		{"features", normSetup{shape: []int64{9}}, [3]float64{1e-12, 2e-6, 2e-2}},
		{"volumes", normSetup{shape: []int64{3, 4, 2, 3}}, [3]float64{1e-12, 2e-6, 2e-2}},
		// At 1e3, float32 is within 6e-5 of a value, a tenth of a thousandth of the deviation; bfloat16 has no digits left.
		{"a large mean", normSetup{shape: []int64{5, 6, 7}, offset: 1e3}, [3]float64{1e-10, 1e-3, math.Inf(1)}},
		{"constant images", normSetup{shape: []int64{5, 6, 7}, frozen: true}, [3]float64{1e-12, 2e-6, 2e-2}},
		{"computed again", normSetup{shape: []int64{5, 6, 7}, twice: true}, [3]float64{1e-12, 2e-6, 2e-2}},
	} {
		for _, split := range splits {
			for i, dtypes := range [][2]autograd.DType{{f64, f64}, {f32, f32}, {f32, autograd.BFloat16}} {
				t.Run(fmt.Sprintf("%s/%s/%v", setup.name, split.name, dtypes[1]), func(t *testing.T) {
					var want map[string][]float64
					autogradtest.Run(t, func(s *autograd.Scope) { want = setup.norm.pass(s, split.rank, nil, f64, f64) })
					got := make(rankResults, len(split.rank))
					autogradtest.RunRanks(t, len(split.rank), func(s *autograd.Scope, p *autograd.ProcessGroup) {
						got[p.Rank()] = setup.norm.pass(s, split.rank, p, dtypes[0], dtypes[1])
					})
					compareRanks(t, got.joined(t, split.rank), want, setup.within[i])
				})
			}
		}
	}
}

func compareRanks(t *testing.T, got, want map[string][]float64, within float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d arrays, want %d", len(got), len(want))
	}
	for name, w := range want {
		if len(got[name]) != len(w) {
			t.Errorf("%s: %d values, want %d", name, len(got[name]), len(w))
		} else if d := distance(got[name], w); !(d <= within) {
			t.Errorf("%s differs by %.1e", name, d)
		}
	}
}

// TestSyncBatchNormFails: what ranks cannot compute together is an error on all of them.
func TestSyncBatchNormFails(t *testing.T) {
	norm := func(s *autograd.Scope, p *autograd.ProcessGroup, channels int64) autograd.BatchNorm {
		ones := func() *autograd.Tensor { return s.AddScalar(s.Zeros(f32, autograd.CPU, channels), 1) }
		return autograd.BatchNorm{Weight: s.RequireGrad(ones()), Bias: ones(), Mean: ones(), Var: ones(), Momentum: 0.1, Eps: 1e-3,
			Sync: &autograd.NormSync{Group: p, Weight: 1}}
	}
	for _, tc := range []struct {
		name, want string
		pass       func(s *autograd.Scope, p *autograd.ProcessGroup)
	}{
		{"a single value over all ranks", "1 values per channel over all ranks", func(s *autograd.Scope, p *autograd.ProcessGroup) {
			bn := norm(s, p, 3)
			bn.Sync.Absent = p.Rank() == 1
			bn.Forward(s, fill(s, 1, 1, 3, 1, 1), autograd.Training)
		}},
		{"no images on any rank", "0 values per channel over all ranks", func(s *autograd.Scope, p *autograd.ProcessGroup) {
			bn := norm(s, p, 3)
			bn.Sync.Absent = true
			bn.Forward(s, fill(s, 1, 2, 3, 4, 4), autograd.Training)
		}},
		{"other channels", "rank", func(s *autograd.Scope, p *autograd.ProcessGroup) {
			channels := 3 + int64(p.Rank())
			norm(s, p, channels).Forward(s, fill(s, 1, 2, channels, 4, 4), autograd.Training)
		}},
		{"channels of other parameters", "must be (4)", func(s *autograd.Scope, p *autograd.ProcessGroup) {
			norm(s, p, 3).Forward(s, fill(s, 1, 2, 4, 4, 4), autograd.Training)
		}},
		{"second derivatives", "no second derivatives", func(s *autograd.Scope, p *autograd.ProcessGroup) {
			x := s.RequireGrad(fill(s, 1, 2, 3, 4, 4))
			y := s.Sum(s.Square(norm(s, p, 3).Forward(s, x, autograd.Training)))
			autograd.Grad(s, []*autograd.Tensor{y}, []*autograd.Tensor{x}, autograd.GradOptions{CreateGraph: true})
		}},
		{"a second backward pass", "second time", func(s *autograd.Scope, p *autograd.ProcessGroup) {
			y := s.Sum(norm(s, p, 3).Forward(s, s.RequireGrad(fill(s, 1, 2, 3, 4, 4)), autograd.Training))
			s.Backward(y)
			s.Backward(y)
		}},
		{"a canceled group", "the cable was cut", func(s *autograd.Scope, p *autograd.ProcessGroup) {
			if p.Rank() == 1 {
				p.CancelLocal(errors.New("the cable was cut"))
			}
			norm(s, p, 3).Forward(s, fill(s, 1, 2, 3, 4, 4), autograd.Training)
		}},
		{"a group that is canceled before the backward pass", "the cable was cut", func(s *autograd.Scope, p *autograd.ProcessGroup) {
			y := s.Sum(norm(s, p, 3).Forward(s, s.RequireGrad(fill(s, 1, 2, 3, 4, 4)), autograd.Training))
			if p.Rank() == 1 {
				p.CancelLocal(errors.New("the cable was cut"))
			}
			s.Backward(y)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for rank, err := range autogradtest.EachRank(t, 2, tc.pass) {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("rank %d: error %v, want %q", rank, err, tc.want)
				}
			}
		})
	}
}

// TestSyncBatchNormInEvaluation: evaluation exchanges nothing.
func TestSyncBatchNormInEvaluation(t *testing.T) {
	autogradtest.RunRanks(t, 2, func(s *autograd.Scope, p *autograd.ProcessGroup) {
		if p.Rank() == 1 {
			return
		}
		param := s.AddScalar(s.Zeros(f32, autograd.CPU, 3), 1)
		bn := autograd.BatchNorm{Weight: param, Bias: param, Mean: param, Var: param, Eps: 1e-3, Sync: &autograd.NormSync{Group: p, Weight: 1}}
		bn.Forward(s, fill(s, 1, 2, 3, 4, 4), autograd.Evaluation)
	})
}
