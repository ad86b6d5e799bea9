package autograd_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// goldenLoss is a case of testdata/losses.json, which make_losses.py writes.
type goldenLoss struct {
	Logits      []float64
	Classes     int
	Labels      []int64
	MixedLabels []int64 `json:"mixed_labels"`
	Lambda      float64
	Weights     []float64
	Smoothing   float64
	Gamma       float64
	Loss        float64
	Gradient    []float64
}

func (g goldenLoss) String() string {
	return fmt.Sprintf("%d weights, gamma %v, smoothing %v, %d mixed labels", len(g.Weights), g.Gamma, g.Smoothing, len(g.MixedLabels))
}

// unfused computes the loss from libtorch's operations.
func (g goldenLoss) unfused(s *autograd.Scope, l autograd.CrossEntropy, x *autograd.Tensor) *autograd.Tensor {
	rows := int64(len(g.Labels))
	if g.MixedLabels == nil {
		return l.Loss(s, x, autograd.FromSlice(s, g.Labels, rows))
	}
	soft := make([]float64, len(g.Logits))
	for i := range g.Labels {
		soft[i*g.Classes+int(g.Labels[i])] += g.Lambda
		soft[i*g.Classes+int(g.MixedLabels[i])] += 1 - g.Lambda
	}
	return l.SoftLoss(s, x, s.To(autograd.FromSlice(s, soft, rows, int64(g.Classes)), x.DType()))
}

// TestWeightedLossesMatchPyTorch: value and gradient of both forms, with class weights, gamma, label smoothing and mixed
// labels, in float64 and float32.
func TestWeightedLossesMatchPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/losses.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenLoss
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) != 48 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for i, c := range cases {
		for _, p := range []struct {
			dtype autograd.DType
			tol   float64
		}{{autograd.Float64, 1e-12}, {autograd.Float32, 3e-6}} { // float32 rounds to 6e-8 of values up to 20; measured 1e-6
			t.Run(fmt.Sprint(i, " ", c, " ", p.dtype), func(t *testing.T) {
				autogradtest.Run(t, func(s *autograd.Scope) {
					l := autograd.CrossEntropy{LabelSmoothing: c.Smoothing, ClassWeights: c.Weights, Gamma: c.Gamma}
					x := func() *autograd.Tensor {
						return s.RequireGrad(s.Detach(s.To(autograd.FromSlice(s, c.Logits, int64(len(c.Labels)), int64(c.Classes)), p.dtype)))
					}
					a, b := x(), x()
					fused, scored := l.Fused(s, a, autograd.Targets{Labels: c.Labels, MixedLabels: c.MixedLabels, Lambda: c.Lambda})
					unfused := c.unfused(s, l, b)
					s.Backward(fused)
					s.Backward(unfused)
					tol := p.tol * math.Max(1, c.Loss)
					compareClose(t, "value", scored.Loss, c.Loss, tol)
					compareClose(t, "fused loss", s.Item(fused), c.Loss, tol)
					compareClose(t, "unfused loss", s.Item(unfused), c.Loss, tol)
					for j, want := range c.Gradient {
						compareClose(t, fmt.Sprint("fused gradient ", j), autograd.ToSlice[float64](s, s.Grad(a))[j], want, p.tol)
						compareClose(t, fmt.Sprint("unfused gradient ", j), autograd.ToSlice[float64](s, s.Grad(b))[j], want, p.tol)
					}
				})
			})
		}
	}
}

// TestConfidentFocalLoss: where a probability rounds to 0 or to 1, loss and gradient are finite, in both forms.
func TestConfidentFocalLoss(t *testing.T) {
	for _, gamma := range []float64{0.5, 1, 2} {
		autogradtest.Run(t, func(s *autograd.Scope) {
			l := autograd.CrossEntropy{Gamma: gamma, LabelSmoothing: 0.1}
			logits := []float32{200, 0, -200, 200, 0, -200}
			a := s.RequireGrad(autograd.FromSlice(s, logits, 2, 3))
			b := s.RequireGrad(autograd.FromSlice(s, logits, 2, 3))
			labels := []int64{0, 2}
			fused, _ := l.Fused(s, a, autograd.Targets{Labels: labels, Lambda: 1})
			unfused := l.Loss(s, b, autograd.FromSlice(s, labels, 2))
			s.Backward(fused)
			s.Backward(unfused)
			compareClose(t, "loss", s.Item(fused), s.Item(unfused), 1e-4)
			want := autograd.ToSlice[float64](s, s.Grad(b))
			for i, g := range autograd.ToSlice[float64](s, s.Grad(a)) {
				compareClose(t, fmt.Sprint("gradient ", i), g, want[i], 1e-6)
				if math.IsNaN(g) || math.IsInf(g, 0) {
					t.Errorf("gradient %d is %v", i, g)
				}
			}
		})
	}
}

// TestClassWeightErrors: class weights of another number of classes are an error of both forms.
func TestClassWeightErrors(t *testing.T) {
	l := autograd.CrossEntropy{ClassWeights: []float64{1, 2}}
	for _, gamma := range []float64{0, 2} {
		l.Gamma = gamma
		for name, use := range map[string]func(s *autograd.Scope, x *autograd.Tensor){
			"fused": func(s *autograd.Scope, x *autograd.Tensor) {
				l.Fused(s, x, autograd.Targets{Labels: []int64{0, 2}, Lambda: 1})
			},
			"unfused": func(s *autograd.Scope, x *autograd.Tensor) { l.Loss(s, x, autograd.FromSlice(s, []int64{0, 2}, 2)) },
		} {
			err := autograd.Run(t.Context(), func(s *autograd.Scope) error {
				use(s, autograd.FromSlice(s, []float32{1, 2, 3, 4, 5, 6}, 2, 3))
				return nil
			})
			if err == nil || !strings.Contains(err.Error(), "autograd: ") {
				t.Errorf("%s, gamma %v: error %v", name, gamma, err)
			}
		}
	}
}

// BenchmarkLosses measures the fused loss and its gradient at ImageNet's number of classes.
func BenchmarkLosses(b *testing.B) {
	weights := make([]float64, 1000)
	for i := range weights {
		weights[i] = 1 + float64(i)/1000
	}
	for _, c := range []struct {
		name string
		loss autograd.CrossEntropy
	}{
		{"plain", autograd.CrossEntropy{LabelSmoothing: 0.1}},
		{"weighted", autograd.CrossEntropy{LabelSmoothing: 0.1, ClassWeights: weights}},
		{"focal", autograd.CrossEntropy{LabelSmoothing: 0.1, Gamma: 2}},
		{"focal 1.5 weighted", autograd.CrossEntropy{LabelSmoothing: 0.1, Gamma: 1.5, ClassWeights: weights}},
	} {
		b.Run(c.name, func(b *testing.B) {
			err := autograd.Run(b.Context(), func(s *autograd.Scope) error {
				values, labels := make([]float32, 32*1000), make([]int64, 32)
				for i := range values {
					values[i] = float32(i*7919%1000) / 200
				}
				x := s.RequireGrad(autograd.FromSlice(s, values, 32, 1000))
				for b.Loop() {
					if err := s.Sub(func(s *autograd.Scope) error {
						loss, _ := c.loss.Fused(s, x, autograd.Targets{Labels: labels, Lambda: 1})
						s.Backward(loss)
						return s.Err()
					}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
