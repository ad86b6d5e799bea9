package backend

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/distributed"
	"depthwise.dev/distributed/distributedtest"
)

// reducerRun is how a network is trained by several ranks.
type reducerRun struct {
	images     []int // of each rank in a step; a rank without images computes nothing
	frozen     Frozen
	accumulate int // batches of a step
	buckets    autograd.BucketSizes
	bf16       bool // the computation
	gloo       bool // ranks exchange by gloo, which adds up more than two in an order of its own; else exactly as plain sums
}

// ranks calls f for each rank.
func (r reducerRun) ranks(t *testing.T, f func(*autograd.Scope, *autograd.ProcessGroup)) {
	if !r.gloo {
		autogradtest.RunRanks(t, len(r.images), f)
		return
	}
	distributedtest.Run(t, len(r.images), func(s *autograd.Scope, g *distributed.Group) error {
		f(s, g.Process())
		return s.Err()
	})
}

// sumLoss is a loss of a network's logits that gives every parameter a gradient: a sum over images.
func sumLoss(s *autograd.Scope, y *autograd.Tensor) *autograd.Tensor { return s.Sum(s.Square(y)) }

// reducerNetwork makes the network that all ranks begin with.
func reducerNetwork(s *autograd.Scope, t *testing.T, frozen Frozen) (*Network, autograd.List, []string, autograd.List) {
	c := config(t, "mobilenet_v1", "paper")
	c.Width, c.Resolution, c.Classes = 0.125, 32, 3
	autograd.SetThreads(s, 1) // the same for all ranks: on how many threads a goroutine computes otherwise depends on other tests
	n := New(s, graph(t, c), 1)
	n.Freeze(s, frozen)
	var leaves, statistics autograd.List
	var names []string
	for _, p := range n.Trainable() {
		leaves, names = append(leaves, p.Tensor), append(names, p.Name)
	}
	for i, l := range n.layers {
		if l.Norm != nil && !n.layers[i].frozenNorm {
			statistics = append(statistics, l.norm.Mean, l.norm.Var)
		}
	}
	return n, leaves, names, statistics
}

// accumulateRank runs the backward passes of a step of one rank; before is called before the last of them.
func accumulateRank(s *autograd.Scope, b Backend, n *Network, run reducerRun, rank int, before func()) {
	for k := range run.accumulate {
		if k == run.accumulate-1 {
			before()
		}
		if run.images[rank] == 0 {
			continue
		}
		p := noisePixels(run.images[rank], 32, 32)
		for i := range p.Values { // others on each rank, in each batch
			p.Values[i] ^= uint8(40*rank + 7*k)
		}
		compute := autograd.Float32
		if run.bf16 {
			compute = autograd.BFloat16
		}
		s.Fail(s.Autocast(compute, func(s *autograd.Scope) error {
			loss := sumLoss(s, b.ForwardPixels(s, n, p, autograd.Training))
			if run.accumulate == 1 {
				loss = s.Scale(loss, 1/float64(run.images[rank]))
			}
			b.Backward(s, loss)
			return s.Err()
		}))
	}
}

// TestReducerOfNetworks: on every backend a step of several ranks leaves exactly the plain sums of their gradients, which the
// same passes compute without a reducer, and the weighted means of their running statistics, with the same bits on all ranks.
func TestReducerOfNetworks(t *testing.T) {
	small := autograd.BucketSizes{First: 1 << 10, Middle: 1 << 13, Last: 1 << 10}
	for name, run := range map[string]reducerRun{
		"two ranks":             {images: []int{4, 4}},
		"uneven ranks":          {images: []int{4, 4, 2}},
		"a rank without images": {images: []int{4, 0, 3}},
		"accumulated":           {images: []int{3, 2}, accumulate: 3, buckets: small},
		"many buckets":          {images: []int{4, 3}, buckets: small},
		"frozen layers":         {images: []int{4, 3}, frozen: Frozen{Layers: 5}, buckets: small},
		"frozen backbone":       {images: []int{4, 3}, frozen: Frozen{Layers: 28}},
		"frozen norms":          {images: []int{4, 3}, frozen: Frozen{Norms: true}, buckets: small},
		"bfloat16":              {images: []int{4, 3}, bf16: true, buckets: small},
		"gloo":                  {images: []int{3, 0, 4}, gloo: true, buckets: small},
		"gloo, accumulated":     {images: []int{3, 2}, gloo: true, accumulate: 2},
	} {
		run.accumulate = max(1, run.accumulate)
		for _, b := range backends {
			t.Run(b.Name()+"/"+name, func(t *testing.T) { checkReducer(t, b, run) })
		}
	}
}

func checkReducer(t *testing.T, b Backend, run reducerRun) {
	alone := make([]rankState, len(run.images))
	for rank := range alone {
		autogradtest.Run(t, func(s *autograd.Scope) {
			n, leaves, _, statistics := reducerNetwork(s, t, run.frozen)
			accumulateRank(s, b, n, run, rank, func() {})
			alone[rank] = stateOf(s, leaves, statistics)
		})
	}
	want := meanOf(alone, run)
	got := make([]rankState, len(run.images))
	run.ranks(t, func(s *autograd.Scope, p *autograd.ProcessGroup) {
		n, leaves, names, statistics := reducerNetwork(s, t, run.frozen)
		r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: leaves, Names: names, Statistics: statistics,
			Summed: run.accumulate > 1, Buckets: run.buckets})
		images := run.accumulate * run.images[p.Rank()]
		accumulateRank(s, b, n, run, p.Rank(), func() {
			r.Begin(s, autograd.Contribution{Images: images, Weight: float64(images)})
		})
		r.Finish(s)
		got[p.Rank()] = stateOf(s, leaves, statistics)
	})
	for rank := range got {
		for what, pair := range map[string][2][]float32{"gradients": {got[rank].gradients, want.gradients}, "statistics": {got[rank].statistics, want.statistics}} {
			if d := relative(pair[0], pair[1]); !slices.Equal(pair[0], pair[1]) && !(run.gloo && d <= 1e-6) {
				t.Errorf("rank %d: %s differ by %.1e of their norm from the plain mean; want the same bits", rank, what, d)
			}
		}
		if !slices.Equal(got[rank].gradients, got[0].gradients) || !slices.Equal(got[rank].statistics, got[0].statistics) {
			t.Errorf("rank %d has other bits than rank 0", rank)
		}
	}
}

// rankState is what a step leaves at a network.
type rankState struct{ gradients, statistics []float32 }

func stateOf(s *autograd.Scope, leaves, statistics autograd.List) (r rankState) {
	if s.Err() != nil {
		return r
	}
	for _, p := range leaves {
		if g := s.Grad(p); g != nil {
			r.gradients = append(r.gradients, autograd.ToSlice[float32](s, g)...)
		}
	}
	for _, t := range statistics {
		r.statistics = append(r.statistics, autograd.ToSlice[float32](s, t)...)
	}
	return r
}

// meanOf computes by plain loops what the reducer leaves: gradients in float32, in the order of the ranks, statistics in
// float64.
func meanOf(alone []rankState, run reducerRun) (want rankState) {
	total := 0
	for _, n := range run.images {
		total += n * run.accumulate
	}
	longest := slices.MaxFunc(alone, func(a, b rankState) int { return len(a.gradients) - len(b.gradients) })
	want.gradients = make([]float32, len(longest.gradients))
	means := make([]float64, len(alone[0].statistics))
	for rank, r := range alone {
		images := run.images[rank] * run.accumulate
		for i, g := range r.gradients {
			if run.accumulate == 1 {
				g *= float32(images)
			}
			want.gradients[i] += g
		}
		for i, v := range r.statistics {
			means[i] += float64(images) * float64(v)
		}
	}
	for i := range want.gradients {
		want.gradients[i] /= float32(total)
	}
	for _, m := range means {
		want.statistics = append(want.statistics, float32(m/float64(total)))
	}
	return want
}

// TestBackboneReportsItsLayers: the fused backbone passes on the gradients of each layer when it has them, the last layer
// first: buckets of one parameter are in that order after the first step.
func TestBackboneReportsItsLayers(t *testing.T) {
	for _, frozen := range []Frozen{{}, {Layers: 4}} {
		t.Run(fmt.Sprint(frozen.Layers, " frozen"), func(t *testing.T) {
			autogradtest.RunRanks(t, 2, func(s *autograd.Scope, p *autograd.ProcessGroup) {
				n, leaves, names, _ := reducerNetwork(s, t, frozen)
				r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: leaves, Buckets: autograd.BucketSizes{First: 1, Middle: 1, Last: 1}})
				r.Begin(s, autograd.Contribution{Images: 4, Weight: 4})
				Fused{}.Backward(s, sumLoss(s, Fused{}.ForwardPixels(s, n, noisePixels(4, 32, 32), autograd.Training)))
				r.Finish(s)
				var order []string
				for _, b := range r.Times().Buckets {
					for _, i := range b.Parameters {
						if name := names[i]; !strings.HasPrefix(name, "classifier") {
							order = append(order, name[:strings.LastIndex(name, ".")])
						}
					}
				}
				var want []string // weights and norms of layers, the last layer first; within a layer as passed to the backbone
				for _, l := range slices.Backward(n.layers[frozen.Layers:27]) {
					for _, a := range l.Arrays() {
						if a.Role != "" {
							want = append(want, a.Name[:strings.LastIndex(a.Name, ".")])
						}
					}
				}
				if !slices.Equal(order, want) {
					t.Errorf("gradients arrived in the order\n%v, want\n%v", order, want)
				}
			})
		})
	}
}
