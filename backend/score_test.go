package backend

import (
	"math"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// TestLossOfAMixedBatch: the values are PyTorch's, in float64:
//
//	targets = v2.MixUp(num_classes=4)._mixup_label(tensor([2, 0, 1]), lam=0.7)
//	loss = cross_entropy(logits, targets, label_smoothing=0.1); loss.backward()
func TestLossOfAMixedBatch(t *testing.T) {
	logits := []float32{1.5, -0.25, 0.75, 2, 0, 3, -1, 0.5, -2, 0.25, 1.25, 1}
	const wantLoss = 2.6455377322789735
	wantGradient := []float64{0.092834289746588, -0.080753040097506, -0.170545128393790, 0.158463878744707,
		-0.203904650532693, 0.281474435980423, -0.093025322459712, 0.015455537011982,
		-0.092419355929630, -0.162223040477733, 0.144190246404228, 0.110452150003134}
	mixed := autograd.Targets{Labels: []int64{2, 0, 1}, MixedLabels: []int64{1, 2, 0}, Lambda: 0.7}
	for _, b := range backends {
		smoothed := autograd.CrossEntropy{LabelSmoothing: 0.1}
		t.Run(b.Name(), func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				x := s.RequireGrad(autograd.FromSlice(s, logits, 3, 4))
				loss, scored := b.Loss(s, smoothed, x, mixed)
				s.Backward(loss)
				if got := s.Item(loss); math.Abs(got-wantLoss) > 1e-6 || math.Abs(scored.Loss-wantLoss) > 1e-6 { // float32
					t.Errorf("loss %v, value %v, want %v", got, scored.Loss, wantLoss)
				}
				// The greatest are classes 3, 1 and 2.
				_, swapped := b.Loss(s, smoothed, x, autograd.Targets{Labels: mixed.Labels, MixedLabels: []int64{3, 1, 0}, Lambda: 0.3})
				if scored.Correct != 0 || swapped.Correct != 2 {
					t.Errorf("%d and %d right, want 0 and 2", scored.Correct, swapped.Correct)
				}
				for i, got := range autograd.ToSlice[float64](s, s.Grad(x)) {
					if math.Abs(got-wantGradient[i]) > 1e-7 {
						t.Errorf("gradient %d is %v, want %v", i, got, wantGradient[i])
					}
				}
			})
		})
	}
}

// TestLossOfAPlainBatch: without mixed labels it is the loss of the labels.
func TestLossOfAPlainBatch(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		smoothed, labels := autograd.CrossEntropy{LabelSmoothing: 0.1}, []int64{2, 0, 1}
		x := autograd.FromSlice(s, []float32{1.5, -0.25, 0.75, 2, 0, 3, -1, 0.5, -2, 0.25, 1.25, 1}, 3, 4)
		got := s.Item(crossEntropy(s, smoothed, x, autograd.Targets{Labels: labels, Lambda: 1}))
		if want := s.Item(smoothed.Loss(s, x, autograd.FromSlice(s, labels, 3))); got != want {
			t.Errorf("loss %v, want %v", got, want)
		}
	})
}

func TestMainClasses(t *testing.T) {
	labels, partners := []int64{1, 2}, []int64{2, 1}
	for _, c := range []struct {
		name    string
		targets autograd.Targets
		want    []int64
	}{
		{"not mixed", autograd.Targets{Labels: labels, Lambda: 1}, labels},
		{"mostly its own", autograd.Targets{Labels: labels, MixedLabels: partners, Lambda: 0.7}, labels},
		{"even", autograd.Targets{Labels: labels, MixedLabels: partners, Lambda: 0.5}, labels},
		{"mostly the partner's", autograd.Targets{Labels: labels, MixedLabels: partners, Lambda: 0.3}, partners},
	} {
		if got := mainClasses(c.targets); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
