package backend

import (
	"fmt"
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
				value, right := read(s, scored)
				if got := s.Item(loss); math.Abs(got-wantLoss) > 1e-6 || math.Abs(value-wantLoss) > 1e-6 { // float32
					t.Errorf("loss %v, value %v, want %v", got, value, wantLoss)
				}
				// The greatest are classes 3, 1 and 2.
				_, swapped := b.Loss(s, smoothed, x, autograd.Targets{Labels: mixed.Labels, MixedLabels: []int64{3, 1, 0}, Lambda: 0.3})
				if _, mostly := read(s, swapped); right != 0 || mostly != 2 {
					t.Errorf("%d and %d right, want 0 and 2", right, mostly)
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

// read returns the value of a loss and the number of correct rows.
func read(s *autograd.Scope, scored Scored) (loss float64, correct int) {
	values, err := scored.Read(s).Values()
	if err != nil || len(values) != 2 {
		s.Fail(fmt.Errorf("values %v, error %w", values, err))
		return math.NaN(), -1
	}
	return values[0], int(values[1])
}

// TestCorrectOnDevice: what a GPU counts by operations of libtorch is what the host counts.
func TestCorrectOnDevice(t *testing.T) {
	nan := float32(math.NaN())
	inf := float32(math.Inf(1))
	tests := []struct {
		name    string
		classes int
		logits  []float32
		targets autograd.Targets
		want    int
	}{
		{"the largest", 3, []float32{1, 3, 2, 5, 4, 0}, autograd.Targets{Labels: []int64{1, 0}, Lambda: 1}, 2},
		{"another", 3, []float32{1, 3, 2, 5, 4, 0}, autograd.Targets{Labels: []int64{1, 1}, Lambda: 1}, 1},
		{"a tie", 3, []float32{1, 3, 3, 5, 4, 5}, autograd.Targets{Labels: []int64{1, 0}, Lambda: 1}, 0},
		{"NaN of the label", 2, []float32{nan, 1, 1, nan}, autograd.Targets{Labels: []int64{0, 1}, Lambda: 1}, 0},
		{"NaN of another class", 2, []float32{nan, 1, 1, nan}, autograd.Targets{Labels: []int64{1, 0}, Lambda: 1}, 0},
		{"infinite", 2, []float32{inf, 1, -inf, inf, inf, inf}, autograd.Targets{Labels: []int64{0, 1, 1}, Lambda: 1}, 2},
		{"one class", 1, []float32{-1, nan}, autograd.Targets{Labels: []int64{0, 0}, Lambda: 1}, 2},
		{"mixed", 2, []float32{1, 2, 2, 1}, autograd.Targets{Labels: []int64{1, 0}, MixedLabels: []int64{0, 1}, Lambda: 0.7}, 2},
		{"mixed, mostly the partner", 2, []float32{1, 2, 2, 1}, autograd.Targets{Labels: []int64{1, 0}, MixedLabels: []int64{0, 0}, Lambda: 0.3}, 1},
		{"mixed evenly", 2, []float32{1, 2, 2, 1}, autograd.Targets{Labels: []int64{1, 1}, MixedLabels: []int64{0, 0}, Lambda: 0.5}, 1},
		{"multi-label", 2, []float32{1, -1, 1, 1, nan, 1}, autograd.Targets{MultiLabel: []float32{1, 0, 1, 0, 0, 1}}, 2},
		{"multi-label at the thresholds", 2, []float32{0, 1}, autograd.Targets{MultiLabel: []float32{0.5, 0.51}}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				logits := autograd.FromSlice(s, tt.logits, int64(len(tt.logits)/tt.classes), int64(tt.classes))
				host := Correct(s, logits, tt.targets)
				device := int(s.Item(correctOn(s, logits, UploadTargets[float64](s, tt.targets, int64(tt.classes), nil, autograd.CPU))))
				if host != tt.want || device != tt.want {
					t.Errorf("the host counts %d, the device %d, want %d", host, device, tt.want)
				}
			})
		})
	}
}

// TestNormalizeUploaded: pixels that are uploaded as bytes and normalized on the device have the bits of
// [autograd.Scope.NormalizeImages].
func TestNormalizeUploaded(t *testing.T) {
	for _, std := range [][3]float64{{0.229, 0.224, 0.225}, {0.5, 0.5, 0.5}, {1.0 / 3, 1, 255}} {
		autogradtest.Run(t, func(s *autograd.Scope) {
			p := autograd.Pixels{Values: make([]uint8, 3*16*16*3), N: 3, Height: 16, Width: 16, Mean: [3]float64{0.485, 0.456, 0.406}, Std: std}
			for i := range p.Values {
				p.Values[i] = uint8(i / 3) // every value in every color
			}
			want := autograd.ToSlice[float32](s, s.NormalizeImages(p.Values, p.N, p.Height, p.Width, p.Mean, p.Std, autograd.CPU))
			x := s.NormalizePixels(s.UploadPixels(p, autograd.CPU), p.Mean, p.Std)
			if got := autograd.ToSlice[float32](s, x); !slices.Equal(got, want) || !slices.Equal(x.Shape(), []int64{3, 3, 16, 16}) {
				t.Errorf("%v, std %v: other values than from the host", x, std)
			}
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
