package autograd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// lossCase is a batch of logits with targets.
type lossCase struct {
	name    string
	logits  []float32
	classes int
	targets autograd.Targets
}

// drawnLosses are batches of various shapes, with and without mixed labels, and with non-finite
// values.
func drawnLosses() []lossCase {
	rng := rand.New(rand.NewPCG(3, 1))
	inf := float32(math.Inf(1))
	var cases []lossCase
	draw := func(name string, n, classes int, scale float64, change func(*lossCase)) {
		for _, mixed := range []bool{false, true} {
			c := lossCase{name: fmt.Sprintf("%s, mixed %v", name, mixed), classes: classes, targets: autograd.Targets{Lambda: 1}}
			for range n * classes {
				c.logits = append(c.logits, float32(scale*rng.NormFloat64()))
			}
			for range n {
				c.targets.Labels = append(c.targets.Labels, rng.Int64N(int64(classes)))
			}
			if mixed {
				c.targets.Lambda = rng.Float64()
				for range n {
					c.targets.MixedLabels = append(c.targets.MixedLabels, rng.Int64N(int64(classes)))
				}
			}
			if change != nil {
				change(&c)
			}
			cases = append(cases, c)
		}
	}
	draw("one row", 1, 7, 1, nil)
	draw("one class", 5, 1, 1, nil)
	draw("two classes", 9, 2, 3, nil)
	draw("a batch", 32, 1000, 2, nil)
	draw("far apart", 8, 20, 300, nil)
	draw("not a number", 3, 5, 1, func(c *lossCase) { c.logits[6] = float32(math.NaN()) })
	draw("infinite", 3, 5, 1, func(c *lossCase) { c.logits[6] = inf })
	draw("minus infinite elsewhere", 3, 5, 1, func(c *lossCase) { c.targets.Labels[1] = 0; c.logits[6] = -inf })
	draw("minus infinite label", 3, 5, 1, func(c *lossCase) { c.targets.Labels[1] = 1; c.logits[6] = -inf })
	draw("ties", 4, 3, 0, nil)
	return cases
}

// unfused is the loss from libtorch's own operations: the unfused reference.
func (c lossCase) unfused(s *autograd.Scope, l autograd.CrossEntropy, x *autograd.Tensor) *autograd.Tensor {
	n := int64(len(c.targets.Labels))
	if c.targets.MixedLabels == nil {
		return l.Loss(s, x, autograd.FromSlice(s, c.targets.Labels, n))
	}
	soft := make([]float32, len(c.logits))
	for i := range c.targets.Labels {
		soft[i*c.classes+int(c.targets.Labels[i])] += float32(c.targets.Lambda)
		soft[i*c.classes+int(c.targets.MixedLabels[i])] += 1 - float32(c.targets.Lambda)
	}
	return l.SoftLoss(s, x, autograd.FromSlice(s, soft, n, int64(c.classes)))
}

// correct counts the rows whose unique largest logit is that of the label with the larger weight.
func (c lossCase) correct() (n int) {
	for i := range c.targets.Labels {
		own := c.targets.Labels[i]
		if c.targets.MixedLabels != nil && c.targets.Lambda < 0.5 {
			own = c.targets.MixedLabels[i]
		}
		row, ahead := c.logits[i*c.classes:(i+1)*c.classes], true
		for j, v := range row {
			ahead = ahead && (int64(j) == own || v < row[own])
		}
		if ahead && row[own] == row[own] {
			n++
		}
	}
	return n
}

// TestFusedCrossEntropyMatchesLibtorch: value, gradient and non-finite results are those of
// libtorch's operations. tol: 1e-6 of the loss and of 1/N; float32 has 6e-8 per rounding.
func TestFusedCrossEntropyMatchesLibtorch(t *testing.T) {
	for _, c := range drawnLosses() {
		for _, smoothing := range []float64{0, 0.1} {
			t.Run(fmt.Sprintf("%s, smoothing %v", c.name, smoothing), func(t *testing.T) {
				autogradtest.Run(t, func(s *autograd.Scope) {
					l, n := autograd.CrossEntropy{LabelSmoothing: smoothing}, int64(len(c.targets.Labels))
					x := s.RequireGrad(autograd.FromSlice(s, c.logits, n, int64(c.classes)))
					y := s.RequireGrad(autograd.FromSlice(s, c.logits, n, int64(c.classes)))
					loss, scored := l.Fused(s, x, c.targets)
					want := c.unfused(s, l, y)
					compareClose(t, "loss", s.Item(loss), s.Item(want), 1e-6*math.Max(1, math.Abs(s.Item(want))))
					compareClose(t, "value", scored.Loss, s.Item(want), 1e-6*math.Max(1, math.Abs(s.Item(want))))
					if scored.Correct != c.correct() {
						t.Errorf("%d correct, want %d", scored.Correct, c.correct())
					}
					s.Backward(s.Scale(loss, 3)) // as gradient accumulation scales it
					s.Backward(s.Scale(want, 3))
					grads := autograd.ToSlice[float64](s, s.Grad(y))
					for i, got := range autograd.ToSlice[float64](s, s.Grad(x)) {
						compareClose(t, fmt.Sprint("gradient ", i), got, grads[i], 3e-6/float64(n))
					}
				})
			})
		}
	}
}

// compareClose treats infinities of one sign, and NaNs, as equal.
func compareClose(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if got != want && !(math.IsNaN(got) && math.IsNaN(want)) && !(math.Abs(got-want) <= tol) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// TestFusedCrossEntropyOfBFloat16: bfloat16 logits are computed in float32, and their gradient is
// bfloat16.
func TestFusedCrossEntropyOfBFloat16(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		c := drawnLosses()[6]
		leaf := s.RequireGrad(s.To(autograd.FromSlice(s, c.logits, 32, 1000), autograd.BFloat16))
		loss, _ := autograd.CrossEntropy{}.Fused(s, leaf, c.targets)
		want := c.unfused(s, autograd.CrossEntropy{}, leaf)
		compareClose(t, "loss", s.Item(loss), s.Item(want), 1e-5)
		s.Backward(loss)
		if got := s.Grad(leaf); got.DType() != autograd.BFloat16 {
			t.Errorf("a gradient of %v", got)
		}
	})
}

// TestFusedCrossEntropyErrors: invalid labels, second derivatives, a second backward pass and
// unsupported types are errors.
func TestFusedCrossEntropyErrors(t *testing.T) {
	labels := autograd.Targets{Labels: []int64{0, 2}, Lambda: 1}
	logits := func(s *autograd.Scope) *autograd.Tensor {
		return s.RequireGrad(autograd.FromSlice(s, []float32{1, 2, 3, 4, 5, 6}, 2, 3))
	}
	for _, c := range []struct {
		name, want string
		use        func(s *autograd.Scope)
	}{
		{"a class too high", "label 3 of row 1 is not in [0, 3)", func(s *autograd.Scope) {
			autograd.CrossEntropy{}.Fused(s, logits(s), autograd.Targets{Labels: []int64{0, 3}})
		}},
		{"a class below zero", "label -100 of row 0 is not in [0, 3)", func(s *autograd.Scope) {
			autograd.CrossEntropy{}.Fused(s, logits(s), autograd.Targets{Labels: []int64{-100, 0}})
		}},
		{"a mixed label out of range", "label 7 of row 0 is not in [0, 3)", func(s *autograd.Scope) {
			autograd.CrossEntropy{}.Fused(s, logits(s), autograd.Targets{Labels: []int64{0, 1}, MixedLabels: []int64{7, 0}})
		}},
		{"labels of other rows", "3 labels for 2 rows", func(s *autograd.Scope) {
			autograd.CrossEntropy{}.Fused(s, logits(s), autograd.Targets{Labels: []int64{0, 1, 2}})
		}},
		{"mixed labels of another length", "2 labels and 1 mixed labels", func(s *autograd.Scope) {
			autograd.CrossEntropy{}.Fused(s, logits(s), autograd.Targets{Labels: []int64{0, 1}, MixedLabels: []int64{1}})
		}},
		{"no classes", "logits must be (N, classes)", func(s *autograd.Scope) {
			autograd.CrossEntropy{}.Fused(s, s.Zeros(autograd.Float32, autograd.CPU, 2, 0), labels)
		}},
		{"integers", "not Long", func(s *autograd.Scope) {
			autograd.CrossEntropy{}.Fused(s, s.Zeros(autograd.Int64, autograd.CPU, 2, 3), labels)
		}},
		{"second derivatives", "no second derivatives", func(s *autograd.Scope) {
			x := logits(s)
			loss, _ := autograd.CrossEntropy{}.Fused(s, x, labels)
			autograd.Grad(s, []*autograd.Tensor{loss}, []*autograd.Tensor{x}, autograd.GradOptions{CreateGraph: true})
		}},
		{"a second pass", "second time", func(s *autograd.Scope) {
			loss, _ := autograd.CrossEntropy{}.Fused(s, logits(s), labels)
			s.Backward(loss)
			s.Backward(loss)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := autograd.Run(t.Context(), func(s *autograd.Scope) error {
				c.use(s)
				return nil
			})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "autograd: ") {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}
