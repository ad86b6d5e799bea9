package autograd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// regression is a small model of which a rank has some examples: the mean of (tanh(x w1) w2 + b - y)^2.
type regression struct {
	parameters autograd.List // w1, w2, b
	x, y       array
	inputs     int64
}

var regressionNames = []string{"w1", "w2", "b"}

// newRegression returns the model with the examples from begin to end of a data set that is the same on all ranks.
func newRegression(s *autograd.Scope, dtype autograd.DType, begin, end int64) regression {
	const inputs, hidden, examples = 3, 5, 64
	m := regression{inputs: inputs}
	for i, shape := range [][]int64{{inputs, hidden}, {hidden, 2}, {2}} {
		m.parameters = append(m.parameters, s.RequireGrad(s.To(random(uint64(i), shape...).tensor(s), dtype)))
	}
	x, y := random(7, examples, inputs), random(8, examples, 2)
	m.x = array{x.data[begin*inputs : end*inputs], []int64{end - begin, inputs}}
	m.y = array{y.data[begin*2 : end*2], []int64{end - begin, 2}}
	return m
}

// sum is the sum of the examples' losses.
func (m regression) sum(s *autograd.Scope) *autograd.Tensor {
	dtype := m.parameters[0].DType()
	x, y := s.To(m.x.tensor(s), dtype), s.To(m.y.tensor(s), dtype)
	out := s.Add(s.Matmul(s.Tanh(s.Matmul(x, m.parameters[0])), m.parameters[1]), m.parameters[2])
	return s.Sum(s.Square(s.Subtract(out, y)))
}

// mean is the mean loss of the examples.
func (m regression) mean(s *autograd.Scope) *autograd.Tensor {
	return s.Scale(m.sum(s), 1/float64(m.x.shape[0]))
}

// gradients copies out the gradients of the parameters, one after another.
func (m regression) gradients(s *autograd.Scope) []float64 { return gradientsOf(s, m.parameters) }

func gradientsOf(s *autograd.Scope, parameters autograd.List) []float64 {
	var values []float64
	for _, g := range autograd.GradsOf(s, parameters) {
		values = append(values, autograd.ToSlice[float64](s, s.To(g, autograd.Float64))...)
	}
	return values
}

// part is the range of examples of a rank: sizes[rank] of them.
func part(sizes []int64, rank int) (begin, end int64) {
	for _, n := range sizes[:rank] {
		begin += n
	}
	return begin, begin + sizes[rank]
}

// TestReducerAverages: the gradients of all ranks are those of one process with all examples.
func TestReducerAverages(t *testing.T) {
	for _, tc := range []struct {
		name    string
		sizes   []int64 // examples of each rank
		options autograd.ReducerOptions
		dtype   autograd.DType
		tol     float64
	}{
		{"one rank", []int64{5}, autograd.ReducerOptions{}, f64, 1e-14},
		{"two equal ranks", []int64{8, 8}, autograd.ReducerOptions{}, f64, 1e-14},
		{"uneven ranks", []int64{8, 8, 3}, autograd.ReducerOptions{}, f64, 1e-14},
		{"a rank without examples", []int64{6, 5, 0, 1}, autograd.ReducerOptions{}, f64, 1e-14},
		{"rank 0 without examples", []int64{0, 7}, autograd.ReducerOptions{}, f64, 1e-14},
		{"sums", []int64{8, 8, 3}, autograd.ReducerOptions{Summed: true}, f64, 1e-14},
		{"sums of one rank", []int64{7}, autograd.ReducerOptions{Summed: true}, f64, 1e-14},
		{"a bucket for each parameter", []int64{4, 9}, autograd.ReducerOptions{Buckets: autograd.BucketSizes{First: 1, Middle: 1, Last: 1}}, f64, 1e-14},
		{"deferred", []int64{4, 9}, autograd.ReducerOptions{Deferred: true}, f64, 1e-14},
		{"float32", []int64{8, 8, 3}, autograd.ReducerOptions{}, f32, 1e-6},
		{"bfloat16", []int64{8, 8, 3}, autograd.ReducerOptions{BFloat16: true}, f32, 2e-2}, // 8 bits, three summands
		{"bfloat16 of float64", []int64{8, 8}, autograd.ReducerOptions{BFloat16: true}, f64, 2e-2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := wholeBatch(t, tc.dtype, tc.sizes)
			found := make([][]float64, len(tc.sizes))
			autogradtest.RunRanks(t, len(tc.sizes), func(s *autograd.Scope, p *autograd.ProcessGroup) {
				begin, end := part(tc.sizes, p.Rank())
				m := newRegression(s, tc.dtype, begin, end)
				o := tc.options
				o.Parameters = m.parameters
				r := autograd.NewGradientReducer(s, p, o)
				for range 3 { // the second step has new buckets
					autograd.ZeroGrads(s, m.parameters)
					r.Begin(s, autograd.Contribution{Images: int(end - begin), Weight: float64(end - begin)})
					switch {
					case begin == end:
					case o.Summed:
						s.Backward(m.sum(s))
					default:
						s.Backward(m.mean(s))
					}
					r.Finish(s)
					found[p.Rank()] = m.gradients(s)
					if p.Rank() == 0 {
						checkClose(t, "gradients", found[0], want, tc.tol)
					}
				}
			})
			for rank := range found {
				if !slices.Equal(found[rank], found[0]) {
					t.Errorf("rank %d has other bits than rank 0", rank)
				}
			}
		})
	}
}

// wholeBatch returns the gradients of the mean over the examples of all ranks.
func wholeBatch(t *testing.T, dtype autograd.DType, sizes []int64) (want []float64) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		_, end := part(sizes, len(sizes)-1)
		m := newRegression(s, dtype, 0, end)
		s.Backward(m.mean(s))
		want = m.gradients(s)
	})
	return want
}

// TestReducerAccumulates: batches before Begin are part of the step, also where the last one does not reach a parameter.
func TestReducerAccumulates(t *testing.T) {
	const dtype = f64
	sizes := []int64{6, 9}
	want := wholeBatch(t, dtype, sizes)
	for _, lastReachesAll := range []bool{true, false} {
		t.Run(fmt.Sprint("last batch reaches all: ", lastReachesAll), func(t *testing.T) {
			autogradtest.RunRanks(t, len(sizes), func(s *autograd.Scope, p *autograd.ProcessGroup) {
				begin, end := part(sizes, p.Rank())
				whole := newRegression(s, dtype, begin, end)
				r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: whole.parameters, Summed: true})
				for range 2 {
					autograd.ZeroGrads(s, whole.parameters)
					batches := []int64{begin, begin + 2, end, end}
					if lastReachesAll {
						batches = []int64{begin, begin + 1, begin + 3, end}
					}
					for i, at := range batches[:3] {
						batch := newRegression(s, dtype, at, batches[i+1])
						batch.parameters = whole.parameters
						loss := batch.sum(s)
						if i == 2 {
							r.Begin(s, autograd.Contribution{Images: int(end - begin), Weight: float64(end - begin)})
							if !lastReachesAll { // a loss of b alone, which adds nothing
								loss = s.Scale(s.Sum(whole.parameters[2]), 0)
							}
						}
						s.Backward(loss)
					}
					r.Finish(s)
					checkClose(t, "gradients", whole.gradients(s), want, 1e-14)
				}
			})
		})
	}
}

// TestReducerWeights: losses with class weights are averaged by the sums of the weights, and statistics by the images.
func TestReducerWeights(t *testing.T) {
	contributions := []autograd.Contribution{{Images: 4, Weight: 2.5}, {Images: 1, Weight: 0}, {Images: 3, Weight: 7}, {}}
	values := [][]float64{{1, -2, 3}, {math.NaN(), 5, math.Inf(1)}, {0.5, 4, -1}, nil} // NaN: the mean of a weight of 0
	statistics := [][]float32{{1, 10}, {2, 20}, {3, 30}, {4, 40}}
	want, wantStatistics := make([]float64, 3), make([]float32, 2)
	for i := range want {
		want[i] = (2.5*values[0][i] + 7*values[2][i]) / 9.5
	}
	for i := range wantStatistics {
		wantStatistics[i] = float32((4*float64(statistics[0][i]) + float64(statistics[1][i]) + 3*float64(statistics[2][i])) / 8)
	}
	autogradtest.RunRanks(t, len(contributions), func(s *autograd.Scope, p *autograd.ProcessGroup) {
		w := s.RequireGrad(s.Zeros(f64, autograd.CPU, 3))
		running := autograd.FromSlice(s, statistics[p.Rank()], 2)
		r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: autograd.List{w}, Statistics: autograd.List{running}})
		r.Begin(s, contributions[p.Rank()])
		if v := values[p.Rank()]; v != nil {
			s.Backward(s.Sum(s.Mul(w, autograd.FromSlice(s, v, 3))))
		}
		r.Finish(s)
		checkClose(t, "gradients", gradientsOf(s, autograd.List{w}), want, 1e-15)
		if got := autograd.ToSlice[float32](s, running); !slices.Equal(got, wantStatistics) {
			t.Errorf("rank %d: statistics %v, want %v", p.Rank(), got, wantStatistics)
		}
	})
}

// TestReducerWithoutImages: a step in which no rank has an image leaves zeros and the statistics as they are.
func TestReducerWithoutImages(t *testing.T) {
	autogradtest.RunRanks(t, 2, func(s *autograd.Scope, p *autograd.ProcessGroup) {
		m := newRegression(s, f32, 0, 4)
		running := autograd.FromSlice(s, []float32{1, 2}, 2)
		r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters, Statistics: autograd.List{running}})
		r.Begin(s, autograd.Contribution{})
		r.Finish(s)
		for _, g := range m.gradients(s) {
			if g != 0 {
				t.Errorf("a gradient of %v, want 0", g)
			}
		}
		if got := autograd.ToSlice[float32](s, running); !slices.Equal(got, []float32{1, 2}) {
			t.Errorf("statistics %v, want them unchanged", got)
		}
	})
}

// TestReducerKeepsEqualValues: the mean of equal statistics is that value, and one rank's gradients are its own, in all bits.
func TestReducerKeepsEqualValues(t *testing.T) {
	images := []int{7, 13, 29}
	rng := rand.New(rand.NewPCG(1, 2))
	want := make([]float32, 1000)
	for i := range want {
		want[i] = float32(math.Exp(20*rng.Float64()-10) * (rng.Float64() - 0.5))
	}
	for ranks := 1; ranks <= len(images); ranks++ {
		autogradtest.RunRanks(t, ranks, func(s *autograd.Scope, p *autograd.ProcessGroup) {
			running := autograd.FromSlice(s, want, 1000)
			w := s.RequireGrad(s.Zeros(f32, autograd.CPU, 1000))
			r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: autograd.List{w}, Statistics: autograd.List{running}})
			r.Begin(s, autograd.Contribution{Images: images[p.Rank()], Weight: float64(images[p.Rank()])})
			s.Backward(s.Sum(s.Mul(w, autograd.FromSlice(s, want, 1000))))
			r.Finish(s)
			if !slices.Equal(autograd.ToSlice[float32](s, running), want) {
				t.Errorf("%d ranks: statistics changed", ranks)
			}
			if ranks == 1 && !slices.Equal(autograd.ToSlice[float32](s, s.Grad(w)), want) {
				t.Error("the gradients of one rank changed")
			}
		})
	}
}

// TestReducerOfCheckpoints: gradients of a part that the backward pass computes again are averaged too.
func TestReducerOfCheckpoints(t *testing.T) {
	sizes := []int64{6, 9}
	want := wholeBatch(t, f64, sizes)
	autogradtest.RunRanks(t, len(sizes), func(s *autograd.Scope, p *autograd.ProcessGroup) {
		begin, end := part(sizes, p.Rank())
		m := newRegression(s, f64, begin, end)
		r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters})
		for range 2 {
			autograd.ZeroGrads(s, m.parameters)
			r.Begin(s, autograd.Contribution{Images: int(end - begin), Weight: float64(end - begin)})
			s.Backward(s.Checkpoint(func(s *autograd.Scope, inputs []*autograd.Tensor) *autograd.Tensor {
				again := m
				again.parameters = inputs
				return again.mean(s)
			}, m.parameters...))
			r.Finish(s)
			checkClose(t, "gradients", m.gradients(s), want, 1e-14)
		}
	})
}
