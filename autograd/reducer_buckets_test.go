package autograd_test

import (
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// TestBuckets: sizes decide which gradients are sent together, the last parameter first until a backward pass has shown
// the order.
func TestBuckets(t *testing.T) {
	const none = 1 << 40
	for _, tc := range []struct {
		name   string
		floats []int64 // of each parameter
		sizes  autograd.BucketSizes
		bf16   bool
		want   [][]int // places in parameters, ascending within a bucket
	}{
		{"all in the last one", []int64{3, 2, 1}, autograd.BucketSizes{}, false, [][]int{{0, 1, 2}}},
		{"one each", []int64{3, 2, 1}, autograd.BucketSizes{First: 1, Middle: 1, Last: 1}, false, [][]int{{2}, {1}, {0}}},
		{"the gradient that reaches the size is part of the bucket", []int64{1, 10, 10, 10, 2}, autograd.BucketSizes{First: 12, Middle: 60, Last: 1}, false, [][]int{{3, 4}, {1, 2}, {0}}},
		{"the last bucket does not exceed its size", []int64{2, 3, 4, 50, 9}, autograd.BucketSizes{First: 4, Middle: none, Last: 20}, false, [][]int{{4}, {2, 3}, {0, 1}}},
		{"a first parameter larger than the last bucket", []int64{9, 1, 1}, autograd.BucketSizes{First: 1, Middle: none, Last: 8}, false, [][]int{{2}, {0, 1}}},
		{"half the bytes", []int64{2, 3, 4, 50, 9}, autograd.BucketSizes{First: 4, Middle: none, Last: 20}, true, [][]int{{4}, {3}, {0, 1, 2}}},
		{"middle buckets", []int64{1, 5, 5, 5, 5, 5, 5}, autograd.BucketSizes{First: 8, Middle: 40, Last: 4}, false, [][]int{{6}, {4, 5}, {2, 3}, {1}, {0}}},
		{"defaults", []int64{1 << 17, 1 << 18, 1 << 20, 5 << 20, 5 << 20, 1 << 18}, autograd.BucketSizes{}, false, [][]int{{5}, {3, 4}, {1, 2}, {0}}},
		{"nothing", nil, autograd.BucketSizes{}, false, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			autogradtest.RunRanks(t, 1, func(s *autograd.Scope, p *autograd.ProcessGroup) {
				var parameters autograd.List
				for _, n := range tc.floats {
					parameters = append(parameters, s.RequireGrad(s.Zeros(f32, autograd.CPU, n)))
				}
				r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: parameters, Buckets: tc.sizes, BFloat16: tc.bf16})
				size := int64(4)
				if tc.bf16 {
					size = 2
				}
				checkBuckets(t, r, tc.want)
				for _, b := range r.Times().Buckets {
					var bytes int64
					for _, i := range b.Parameters {
						bytes += size * tc.floats[i]
					}
					if b.Bytes != bytes {
						t.Errorf("%d bytes, want %d", b.Bytes, bytes)
					}
				}
				r.Begin(s, autograd.Contribution{})
				r.Finish(s)
			})
		})
	}
}

func checkBuckets(t *testing.T, r *autograd.GradientReducer, want [][]int) {
	t.Helper()
	var got [][]int
	for _, b := range r.Times().Buckets {
		got = append(got, b.Parameters)
	}
	if !slices.EqualFunc(got, want, slices.Equal[[]int]) {
		t.Errorf("buckets %v, want %v", got, want)
	}
}

// TestBucketsFollowArrival: after the first step in which rank 0 has a gradient, buckets of all ranks are in the order in
// which its gradients have arrived.
func TestBucketsFollowArrival(t *testing.T) {
	arrival := [][]int{{1}, {2}, {0}}
	for _, tc := range []struct {
		name  string
		idle  []bool // whether rank 0 has no images in the step
		after [][][]int
	}{
		{"first step", []bool{false, false}, [][][]int{arrival, arrival}},
		{"rank 0 has no images at first", []bool{true, false, true}, [][][]int{{{2}, {1}, {0}}, arrival, arrival}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			autogradtest.RunRanks(t, 3, func(s *autograd.Scope, p *autograd.ProcessGroup) {
				var parameters autograd.List
				for range 3 {
					parameters = append(parameters, s.RequireGrad(s.AddScalar(s.Zeros(f32, autograd.CPU, 1), 1)))
				}
				r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: parameters, Buckets: autograd.BucketSizes{First: 1, Middle: 1, Last: 1}})
				for step, idle := range tc.idle {
					autograd.ZeroGrads(s, parameters)
					order := []int{0, 2, 1} // forward; the backward pass is the reverse
					if p.Rank() > 0 {
						order = []int{2, 1, 0}
					}
					var c autograd.Contribution
					if idle = idle && p.Rank() == 0; !idle {
						c = autograd.Contribution{Images: 1, Weight: 1}
					}
					r.Begin(s, c)
					if !idle {
						s.Backward(chain(s, parameters, order))
					}
					r.Finish(s)
					checkBuckets(t, r, tc.after[step])
					want := []float64{1, 1, 1}
					checkClose(t, "gradients", gradientsOf(s, parameters), want, 1e-6)
				}
			})
		})
	}
}

// chain multiplies the parameters in an order, so that the gradient of the last one is computed first.
func chain(s *autograd.Scope, parameters autograd.List, order []int) *autograd.Tensor {
	x := s.AddScalar(s.Zeros(f32, autograd.CPU, 1), 1)
	for _, i := range order {
		x = s.Exp(s.Log(s.Mul(x, parameters[i]))) // a node between any two
	}
	return s.Sum(x)
}

// TestBucketsAreSentDuringTheBackwardPass: all sums begin before Finish, unless deferred.
func TestBucketsAreSentDuringTheBackwardPass(t *testing.T) {
	for _, deferred := range []bool{false, true} {
		autogradtest.RunRanks(t, 2, func(s *autograd.Scope, p *autograd.ProcessGroup) {
			m := newRegression(s, f64, 0, 8)
			r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters, Deferred: deferred,
				Buckets: autograd.BucketSizes{First: 1, Middle: 1, Last: 1}})
			for range 2 {
				autograd.ZeroGrads(s, m.parameters)
				r.Begin(s, autograd.Contribution{Images: 8, Weight: 8})
				s.Backward(m.mean(s))
				r.Finish(s)
			}
			times := r.Times()
			for i, b := range times.Buckets {
				if during := b.Begun < times.Finish; during == deferred || b.Ended < b.Begun || b.Ended < times.Finish {
					t.Errorf("deferred: %v, bucket %d: begun after %v, ended after %v; Finish was called after %v", deferred, i, b.Begun, b.Ended, times.Finish)
				}
			}
			if len(times.Buckets) != 3 || times.Waited < 0 {
				t.Errorf("%+v", times)
			}
		})
	}
}
