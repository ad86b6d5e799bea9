package autograd_test

import (
	"math"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// TestBinaryCrossEntropyIsTorchs: losses and gradients of torch.nn.BCEWithLogitsLoss of PyTorch 2.15 in float64. With
// smoothing, the targets are those of timm 1.0's BinaryCrossEntropy, whose loss of one-hot targets is the same.
func TestBinaryCrossEntropyIsTorchs(t *testing.T) {
	logits, targets := []float64{1.5, -2, 0.25, -0.5, 3, -8}, []float64{1, 0, 1, 0, 0.7, 0}
	for _, c := range []struct {
		name     string
		loss     autograd.BinaryCrossEntropy
		want     float64
		gradient []float64
	}{
		{"plain", autograd.BinaryCrossEntropy{}, 0.3878800751718856,
			[]float64{-0.030404253968, 0.01986715367, -0.072970583186, 0.0629234448, 0.042095687804, 5.5891688e-05}},
		{"weights of classes", autograd.BinaryCrossEntropy{PosWeight: []float32{2, 0.5, 4}}, 0.7065844025999645,
			[]float64{-0.060808507935, 0.01986715367, -0.291882332743, 0.0629234448, 0.044862197072, 5.5891688e-05}},
		{"label smoothing", autograd.BinaryCrossEntropy{LabelSmoothing: 0.1}, 0.4839911862829967,
			[]float64{-0.019293142857, 0.014311598115, -0.061859472075, 0.057367889244, 0.048206798915, -0.005499663867}},
	} {
		for _, dtype := range []autograd.DType{autograd.Float64, autograd.Float32} {
			autogradtest.Run(t, func(s *autograd.Scope) {
				tolerance := 1e-11 // digits of the constants
				if dtype == autograd.Float32 {
					tolerance = 3e-7
				}
				x := s.RequireGrad(s.To(autograd.FromSlice(s, logits, 2, 3), dtype))
				loss := c.loss.Loss(s, x, autograd.FromSlice(s, targets, 2, 3))
				s.Backward(loss)
				if got := s.Item(loss); math.Abs(got-c.want) > tolerance {
					t.Errorf("%s, %v: loss %v, want %v", c.name, dtype, got, c.want)
				}
				for i, g := range autograd.ToSlice[float64](s, s.Grad(x)) {
					if math.Abs(g-c.gradient[i]) > tolerance {
						t.Errorf("%s, %v: gradient %d is %v, want %v", c.name, dtype, i, g, c.gradient[i])
					}
				}
			})
		}
	}
}

// TestBinaryCrossEntropyEdges: large logits do not overflow, one class is smoothed toward 1/2, and shapes that libtorch would
// broadcast are refused.
func TestBinaryCrossEntropyEdges(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		large := autograd.FromSlice(s, []float32{200, -200}, 1, 2)
		if got := s.Item(autograd.BinaryCrossEntropy{}.Loss(s, large, autograd.FromSlice(s, []float32{0, 1}, 1, 2))); got != 200 {
			t.Errorf("loss %v, want 200", got)
		}
		one := autograd.FromSlice(s, []float32{0.3}, 1, 1)
		got := s.Item(autograd.BinaryCrossEntropy{LabelSmoothing: 0.2}.Loss(s, one, autograd.FromSlice(s, []float32{1}, 1, 1)))
		if want := 0.9*math.Log1p(math.Exp(-0.3)) + 0.1*math.Log1p(math.Exp(0.3)); math.Abs(got-want) > 1e-7 {
			t.Errorf("loss of one class %v, want %v", got, want)
		}
	})
	for _, c := range []struct {
		name    string
		loss    autograd.BinaryCrossEntropy
		targets []int64
		want    string
	}{
		{"a row of targets", autograd.BinaryCrossEntropy{}, []int64{1, 3}, "one shape"},
		{"a column of targets", autograd.BinaryCrossEntropy{}, []int64{2, 1}, "one shape"},
		{"weights of other classes", autograd.BinaryCrossEntropy{PosWeight: []float32{1, 2}}, []int64{2, 3}, "2 weights of classes"},
	} {
		err := autograd.Run(t.Context(), func(s *autograd.Scope) error {
			c.loss.Loss(s, s.Zeros(autograd.Float32, autograd.CPU, 2, 3), s.Zeros(autograd.Float32, autograd.CPU, c.targets...))
			return s.Err()
		})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
