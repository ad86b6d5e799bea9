package backend

import (
	"errors"
	"math"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/optim"
)

// scaledFixture is a stepFixture with scaled losses.
type scaledFixture struct {
	*stepFixture
	scaler    *optim.LossScaler
	optimizer optim.Optimizer
	skipped   int
}

// newScaledFixture begins with a scale at which the gradients overflow in float32, a few halvings above one at which they do not.
func newScaledFixture(s *autograd.Scope, t *testing.T, recorder *fakeRecorder) *scaledFixture {
	f := &scaledFixture{stepFixture: newStepFixture(s, t, recorder, false), scaler: optim.NewLossScaler(s, autograd.CPU)}
	if err := f.scaler.Load(s, optim.LossScalerState{Scale: math.Ldexp(1, 127)}); err != nil {
		t.Fatal(err)
	}
	var parameters []optim.Parameter
	for _, p := range f.network.Parameters() {
		parameters = append(parameters, optim.Parameter{Name: p.Name, Tensor: p.Tensor})
	}
	f.optimizer = optim.NewSGD(s, parameters, optim.SGD{Momentum: 0.9})
	f.steps.Compute = func(s *autograd.Scope, b Batch) Scored {
		x := s.NormalizePixels(s.UploadPixels(b.Pixels, autograd.CPU), b.Pixels.Mean, b.Pixels.Std)
		loss, scored := Torch{}.Loss(s, autograd.CrossEntropy{}, Torch{}.Forward(s, f.network, x, autograd.Training), b.Targets)
		Torch{}.Backward(s, f.scaler.Scale(s, loss))
		return scored
	}
	return f
}

// step trains on a batch of noise.
func (f *scaledFixture) step(s *autograd.Scope, seed int) error {
	return s.Sub(func(s *autograd.Scope) error {
		autograd.ZeroGrads(s, f.steps.Leaves)
		p := noisePixels(6, 32, 32)
		for i := range p.Values {
			p.Values[i] = uint8(int(p.Values[i])*(seed+3) + i%(seed+2))
		}
		scored := f.steps.Run(s, Batch{Pixels: p, Targets: autograd.Targets{Labels: []int64{0, 1, 2, 0, 1, 2}, Lambda: 1}, Weight: 6})
		if s.Err() != nil {
			return s.Err()
		}
		loss, _ := read(s, scored)
		f.losses = append(f.losses, loss)
		values, err := Torch{}.Update(s, f.optimizer.Prepare(optim.StepOptions{LR: 0.05, MaxGradNorm: 1, Scaler: f.scaler})).Values()
		if err == nil && values[1] == 1 {
			f.skipped++
		}
		return errors.Join(err, s.Err())
	})
}

// TestReplayedScaledSteps: steps that are replayed read the scale of the loss as it is then, and skip the same steps.
func TestReplayedScaledSteps(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		recorder := &fakeRecorder{}
		replayed, computed := newScaledFixture(s, t, recorder), newScaledFixture(s, t, nil)
		for i := range 12 {
			if err := errors.Join(replayed.step(s, i), computed.step(s, i)); err != nil {
				t.Fatal(err)
			}
		}
		if recorder.captures != 1 || recorder.replays != 12-eagerRuns {
			t.Errorf("%d captures, %d replays", recorder.captures, recorder.replays)
		}
		if n := replayed.skipped; n <= eagerRuns || n > 10 || n != computed.skipped || replayed.scaler.State(s) != computed.scaler.State(s) {
			t.Errorf("%d and %d steps skipped, scales %+v and %+v", n, computed.skipped, replayed.scaler.State(s), computed.scaler.State(s))
		}
		if !slices.Equal(replayed.losses, computed.losses) || !slices.Equal(replayed.state(s), computed.state(s)) {
			t.Errorf("losses %v, want %v, or other weights", replayed.losses, computed.losses)
		}
		replayed.steps.Reset()
	})
}
