package backend

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// fakeRecorder records on the CPU: capture computes the work once, whose results the first replay leaves, and later ones
// compute it again into the same tensors.
type fakeRecorder struct {
	captures, replays, freed int
	fail                     error // of captures
}

type fakeRecording struct {
	of      *fakeRecorder
	work    func(*autograd.Scope) []*autograd.Tensor
	results autograd.List
	again   bool
}

func (r *fakeRecorder) capture(s *autograd.Scope, _ recording, f func(*autograd.Scope) []*autograd.Tensor) ([]*autograd.Tensor, recording, error) {
	r.captures++
	if r.fail != nil {
		return nil, nil, r.fail
	}
	p := &fakeRecording{of: r, work: f}
	err := s.Sub(func(s *autograd.Scope) error {
		p.results = f(s)
		for _, t := range p.results {
			s.Keep(t)
		}
		return s.Err()
	})
	return p.results, p, err
}

func (p *fakeRecording) Replay(s *autograd.Scope) {
	p.of.replays++
	if p.again {
		s.Fail(s.Sub(func(s *autograd.Scope) error {
			for i, t := range p.work(s) {
				s.Copy(p.results[i], t)
			}
			return s.Err()
		}))
	}
	p.again = true
}

func (p *fakeRecording) Free() { p.of.freed++ }

// stepFixture trains a small network by Steps.
type stepFixture struct {
	network *Network
	steps   *Steps
	losses  []float64
}

func newStepFixture(s *autograd.Scope, t *testing.T, recorder *fakeRecorder, on bool) *stepFixture {
	g := graph(t, small(t, "mobilenet_v1", "timm"))
	f := &stepFixture{network: New(s, g, 1)}
	f.steps = &Steps{device: autograd.CPU, on: on}
	if recorder != nil {
		f.steps.replays = newReplays(s, recorder, stepKinds)
	}
	for _, p := range f.network.Parameters() {
		f.steps.Leaves = append(f.steps.Leaves, p.Tensor)
	}
	classes := int64(g.Classes())
	weights := make([]float64, classes)
	for i := range weights {
		weights[i] = 1 + float64(i%3)
	}
	loss := autograd.CrossEntropy{LabelSmoothing: 0.1, ClassWeights: weights}
	f.steps.Upload = func(s *autograd.Scope, t autograd.Targets) *autograd.UploadedTargets {
		return UploadTargets(s, t, classes, weights, autograd.CPU)
	}
	f.steps.Compute = func(s *autograd.Scope, b Batch) Scored {
		x := s.NormalizePixels(s.UploadPixels(b.Pixels, autograd.CPU), b.Pixels.Mean, b.Pixels.Std)
		l, scored := Torch{}.Loss(s, loss, Torch{}.Forward(s, f.network, x, autograd.Training), b.Targets)
		Torch{}.Backward(s, l)
		return scored
	}
	return f
}

// step trains on a batch of n images of noise, mixed ones if soft.
func (f *stepFixture) step(s *autograd.Scope, seed, n int, soft bool) error {
	return s.Sub(func(s *autograd.Scope) error {
		autograd.ZeroGrads(s, f.steps.Leaves)
		p := noisePixels(n, 32, 32)
		t := autograd.Targets{Lambda: 1}
		for i := range p.Values {
			p.Values[i] = uint8(int(p.Values[i])*(seed+3) + i%(seed+2))
		}
		for i := range n {
			t.Labels = append(t.Labels, int64((i+seed)%3))
		}
		if soft {
			t.MixedLabels, t.Lambda = append(slices.Clone(t.Labels[1:]), t.Labels[0]), 0.3
		}
		weight := autograd.CrossEntropy{ClassWeights: []float64{1, 2, 3}}.Denominator(t)
		scored := f.steps.Run(s, Batch{Pixels: p, Targets: t, Weight: weight})
		if s.Err() != nil {
			return s.Err()
		}
		loss, correct := read(s, scored)
		f.losses = append(f.losses, loss, float64(correct), scored.Weight)
		return s.NoGrad(func(s *autograd.Scope) error {
			f.steps.Leaves.AddScaled(s, autograd.GradsOf(s, f.steps.Leaves), -0.05)
			return s.Err()
		})
	})
}

// state is all that training has changed.
func (f *stepFixture) state(s *autograd.Scope) (values []float32) {
	for _, n := range f.network.State() {
		values = append(values, autograd.ToSlice[float32](s, n.Tensor)...)
	}
	return values
}

// TestReplayedSteps: steps that are replayed give the same losses, weights and running statistics as those that are computed;
// what is recorded and what is computed.
func TestReplayedSteps(t *testing.T) {
	type batch struct {
		n    int
		soft bool
	}
	repeat := func(b batch, n int) []batch { return slices.Repeat([]batch{b}, n) }
	full, mixed, last := batch{6, false}, batch{6, true}, batch{3, false}
	for _, tt := range []struct {
		name              string
		batches           []batch
		reset             int // before which step Steps are reset; 0: not
		captures, replays int
	}{
		{"too few", repeat(full, 3), 0, 0, 0},
		{"the fourth is recorded", repeat(full, 7), 0, 1, 4},
		{"a smaller last batch is computed", slices.Concat(repeat(full, 4), repeat(last, 5), repeat(full, 2)), 0, 1, 3},
		{"the first batch is smaller", slices.Concat(repeat(last, 4), repeat(full, 5), repeat(last, 2)), 0, 2, 3},
		{"mixed ones are another kind", slices.Concat(repeat(full, 4), repeat(mixed, 5), repeat(full, 1), repeat(mixed, 1)), 0, 2, 5},
		{"after a reset", repeat(full, 10), 6, 2, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				recorder := &fakeRecorder{}
				replayed, computed := newStepFixture(s, t, recorder, false), newStepFixture(s, t, nil, false)
				for i, b := range tt.batches {
					if tt.reset > 0 && i == tt.reset-1 {
						replayed.steps.Reset()
					}
					if err := errors.Join(replayed.step(s, i, b.n, b.soft), computed.step(s, i, b.n, b.soft)); err != nil {
						t.Fatal(err)
					}
				}
				if recorder.captures != tt.captures || recorder.replays != tt.replays {
					t.Errorf("%d captures and %d replays, want %d and %d", recorder.captures, recorder.replays, tt.captures, tt.replays)
				}
				if !slices.Equal(replayed.losses, computed.losses) || math.IsNaN(computed.losses[0]) {
					t.Errorf("losses, correct rows and weights\n%v, want\n%v", replayed.losses, computed.losses)
				}
				if !slices.Equal(replayed.state(s), computed.state(s)) {
					t.Error("other weights or running statistics")
				}
				replayed.steps.Reset()
				if recorder.freed != recorder.captures {
					t.Errorf("%d of %d recordings freed", recorder.freed, recorder.captures)
				}
			})
		})
	}
}

// TestFailedCapture: a step that cannot be recorded is computed, and those after it, or it is an error where the graph was
// asked for.
func TestFailedCapture(t *testing.T) {
	broken := errors.New("operation not permitted when stream is capturing")
	for _, on := range []bool{false, true} {
		t.Run(fmt.Sprint("on ", on), func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				recorder := &fakeRecorder{fail: broken}
				failing, computed := newStepFixture(s, t, recorder, on), newStepFixture(s, t, nil, false)
				var err error
				for i := 0; i < 6 && err == nil; i++ {
					if err = failing.step(s, i, 4, false); err == nil {
						err = computed.step(s, i, 4, false)
					}
				}
				if on {
					if !errors.Is(err, broken) || len(failing.losses) != 3*eagerRuns {
						t.Errorf("error %v after %d steps", err, len(failing.losses)/3)
					}
					return
				}
				if err != nil || recorder.captures != 1 || !errors.Is(failing.steps.Failure(), broken) || failing.steps.Recorded() {
					t.Errorf("error %v, %d captures, failure %v", err, recorder.captures, failing.steps.Failure())
				}
				if !slices.Equal(failing.losses, computed.losses) || !slices.Equal(failing.state(s), computed.state(s)) {
					t.Error("other losses or weights")
				}
			})
		})
	}
}

// TestReplayedInference: logits of batches that are replayed are those that are computed, each with its own memory, and follow
// the weights.
func TestReplayedInference(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		g := graph(t, small(t, "mobilenet_v1", "timm"))
		n := New(s, g, 1)
		recorder := &fakeRecorder{}
		onDevice := uploadedInference{torchInference{n, autograd.Float32}}
		replayed := replayedInference{onDevice, n, autograd.CPU, newReplays(s, recorder, 2), false}
		var before []*autograd.Tensor
		var want [][]float32
		for i, size := range []int{4, 4, 4, 4, 2, 4, 2, 2, 2, 2, 4, 1, 1, 1, 1} {
			p := noisePixels(size, 32, 32)
			p.Values[i] ^= 255
			if i == 8 {
				autograd.List{n.tensors[0]}.Scale(s, 0.5)
			}
			before = append(before, replayed.ForwardPixels(s, p))
			want = append(want, autograd.ToSlice[float32](s, onDevice.ForwardPixels(s, p)))
		}
		for i, y := range before {
			if got := autograd.ToSlice[float32](s, y); !slices.Equal(got, want[i]) {
				t.Errorf("batch %d: logits %v, want %v", i, got, want[i])
			}
		}
		if recorder.captures != 2 || recorder.replays != 5 { // of 4 images: batches 3, 5, 10; of 2: 8 and 9; a third size is computed
			t.Errorf("%d captures, %d replays", recorder.captures, recorder.replays)
		}
	})
}

// TestReplayedInferenceFails: a batch that cannot be recorded is computed, or with --cuda-graph on is an error.
func TestReplayedInferenceFails(t *testing.T) {
	broken := errors.New("it waits")
	for _, on := range []bool{false, true} {
		autogradtest.Run(t, func(s *autograd.Scope) {
			n := New(s, graph(t, small(t, "mobilenet_v1", "timm")), 1)
			onDevice := uploadedInference{torchInference{n, autograd.Float32}}
			replayed := replayedInference{onDevice, n, autograd.CPU, newReplays(s, &fakeRecorder{fail: broken}, 2), on}
			err := s.Sub(func(s *autograd.Scope) error {
				for range eagerRuns + 1 {
					if y := replayed.ForwardPixels(s, noisePixels(2, 32, 32)); y == nil && s.Err() == nil {
						t.Error("no logits and no error")
					}
				}
				return s.Err()
			})
			if on != errors.Is(err, broken) || !on && err != nil {
				t.Errorf("on %v: error %v", on, err)
			}
		})
	}
}

// uploadedInference reads uploaded pixels on the CPU, as a GPU does.
type uploadedInference struct{ torchInference }

func (i uploadedInference) ForwardPixels(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	return i.Forward(s, s.NormalizePixels(s.UploadPixels(p, autograd.CPU), p.Mean, p.Std))
}
