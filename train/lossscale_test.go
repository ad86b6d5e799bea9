package train

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/optim"
	"depthwise.dev/report"
)

// halfPrecision is a small run in float16.
func halfPrecision(t *testing.T) config.Config {
	c := small(t, testset.Images(t, 14, 3)) // six batches an epoch
	c.Precision, c.Epochs, c.ClipGradNorm, c.CheckpointEvery = "fp16", 2, 1, "100steps"
	return c
}

// scaledBy is cross entropy that is multiplied by a factor in some batches, from 1.
func scaledBy(factor func(batch int) float64) Loss {
	batch := 0
	return Loss{Name: "scaled", Compute: func(s *autograd.Scope, logits *autograd.Tensor, t autograd.Targets) *autograd.Tensor {
		batch++
		return s.Scale(autograd.CrossEntropy{}.Loss(s, logits, autograd.FromSlice(s, t.Labels, int64(len(t.Labels)))), factor(batch))
	}}
}

// overflow is a factor with which gradients exceed float16 at any scale.
const overflow = 1e30

// TestSkippedUpdates: steps whose gradients exceed float16 are recorded as skipped, with the scale halved after each, and counted in
// metrics.csv; the others train.
func TestSkippedUpdates(t *testing.T) {
	c := halfPrecision(t)
	trainer := Trainer{Loss: scaledBy(func(batch int) float64 {
		if batch == 4 || batch == 8 || batch == 9 {
			return overflow
		}
		return 1e-6 // which does not overflow at the first scale, nor in a batch of two images
	})}
	result, events := fitBy(t, trainer, c)
	var skipped []int64
	var notes int
	scale := 65536.
	for _, e := range events {
		switch e := e.(type) {
		case report.Step:
			if e.LossScale != scale {
				t.Errorf("step %d: loss scale %v, want %v", e.Step, e.LossScale, scale)
			}
			if e.UpdateSkipped != (e.GradNorm == 0) {
				t.Errorf("step %d: skipped %v with the norm %v", e.Step, e.UpdateSkipped, e.GradNorm)
			}
			if e.UpdateSkipped {
				skipped, scale = append(skipped, e.Step), scale/2
			}
		case report.Epoch:
			if want := map[int]int{1: 1, 2: 2}[e.Epoch]; e.SkippedUpdates != want || e.LossScale != scale {
				t.Errorf("epoch %d: %d skipped, scale %v; want %d and %v", e.Epoch, e.SkippedUpdates, e.LossScale, want, scale)
			}
		case report.Note:
			if strings.Contains(e.Text, "step 4: gradients exceeded float16 at the loss scale 65536") {
				notes++
			}
		}
	}
	if fmt.Sprint(skipped) != "[4 8 9]" || notes != 1 {
		t.Errorf("skipped steps %v, %d notes", skipped, notes)
	}
	text, err := os.ReadFile(filepath.Join(result.Dir, metricsFile))
	if err != nil || !strings.Contains(string(text), ",best,loss_scale,skipped_updates\n") || !strings.HasSuffix(string(text), ",8192,2\n") {
		t.Errorf("metrics.csv %q, error %v", text, err)
	}
}

// TestLossScaleFloor: gradients that exceed float16 at the smallest scale are divergence, also if the host learns late of it.
func TestLossScaleFloor(t *testing.T) {
	for _, delay := range []int{0, never} {
		c := halfPrecision(t)
		c.Epochs = 9
		trainer := (&slowDevice{delay: delay}).trainer()
		trainer.Loss = scaledBy(func(int) float64 { return overflow })
		result, err := trainer.Fit(t.Context(), c, ignore)
		if !errors.Is(err, ErrNotFinite) || result.Step != 16 {
			t.Errorf("delay %d: step %d, error %v", delay, result.Step, err)
		}
		if text := fmt.Sprint(err); !strings.Contains(text, "step 17: the gradients exceed float16 at a loss scale of 1: not a finite number") || !strings.Contains(text, "--precision fp32") {
			t.Errorf("delay %d: %s", delay, text)
		}
	}
}

// TestLossNotFiniteInFP16: a loss that is not finite ends the run; no scale can help.
func TestLossNotFiniteInFP16(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		c := halfPrecision(t)
		result, err := Trainer{Loss: scaledBy(func(batch int) float64 {
			if batch == 5 {
				return bad
			}
			return 1
		})}.Fit(t.Context(), c, ignore)
		if !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), "step 5: the loss is") || result.Step != 4 {
			t.Errorf("%v: step %d, error %v", bad, result.Step, err)
		}
	}
}

// unscaled is an optimizer that knows nothing of scaled losses.
type unscaled struct{ optim.Optimizer }

func (u unscaled) Prepare(o optim.StepOptions) optim.Update {
	o.Scaler = nil
	return u.Optimizer.Prepare(o)
}

// TestOptimizerWithoutLossScale: the caller's optimizer must not train by gradients that are not divided.
func TestOptimizerWithoutLossScale(t *testing.T) {
	c := halfPrecision(t)
	c.ClipGradNorm = 0
	trainer := Trainer{Optimizer: Optimizer{Name: "mine", New: func(s *autograd.Scope, p []optim.Parameter) (optim.Optimizer, error) {
		return unscaled{optim.NewSGD(s, p, optim.SGD{})}, s.Err()
	}}}
	result, err := trainer.Fit(t.Context(), c, ignore)
	if err == nil || !strings.Contains(err.Error(), "optim.StepOptions.Scaler") || result.Step != 0 {
		t.Errorf("step %d, error %v", result.Step, err)
	}
}

// TestResumeInAnotherPrecision: the weights of another precision have other bits.
func TestResumeInAnotherPrecision(t *testing.T) {
	c := halfPrecision(t)
	c.Backend, c.MaxSteps, c.Epochs = "torch", 0, 1
	for _, was := range []string{"bf16", "fp32", "fp16"} {
		c.Precision, c.Out, c.Resume = was, filepath.Join(t.TempDir(), "run"), ""
		result := fit(t, c)
		for _, is := range []string{"bf16", "fp32", "fp16"} {
			c.Precision, c.Out, c.Resume, c.ExtendEpochs = is, result.Dir, "auto", 1
			if is == was {
				continue
			}
			_, err := Fit(t.Context(), c, ignore)
			if want := fmt.Sprintf("precision %s, here %s (--precision %s)", was, is, was); !errors.Is(err, ErrOtherRun) || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %s", err, want)
			}
		}
		c.ExtendEpochs = 0
	}
}

// TestAccumulateInFP16: the gradients of accumulated batches are those of float32, as unscaled, within float16's rounding.
func TestAccumulateInFP16(t *testing.T) {
	for _, accumulate := range []int{1, 3} {
		c := small(t, testset.Images(t, 8, 1))
		c.BatchSize, c.Model.Resolution, c.Accumulate, c.Backend = 8, 64, accumulate, "torch"
		gradients := func(precision string) (all []float64) {
			c.Precision = precision
			withRun(t, c, func(s *autograd.Scope, r *run) {
				if r.scaler != nil { // which does not overflow
					if err := r.scaler.Load(s, optim.LossScalerState{Scale: 64}); err != nil {
						t.Fatal(err)
					}
				}
				batches := r.loader.Epoch(t.Context(), 0, 0)
				defer batches.Close()
				seen, _, err := r.forwardBackward(s, batches)
				if err != nil {
					t.Fatal(err)
				}
				scale := 1.
				if r.scaler != nil {
					scale = r.scaler.State(s).Scale
				}
				if accumulate > 1 {
					scale *= seen.weight()
				}
				if r.scaler != nil && accumulate > 1 {
					scale /= float64(c.BatchSize)
				}
				for _, g := range hostValues(s, autograd.GradsOf(s, r.leaves)) {
					for _, v := range g {
						all = append(all, v/scale)
					}
				}
			})
			return all
		}
		if angle := angleOf(gradients("fp16"), gradients("fp32")); !(angle < 0.3) { // measured 0.17, and 0.6 in bfloat16
			t.Errorf("accumulate %d: 1 - cosine is %v", accumulate, angle)
		}
	}
}

// angleOf is 1 - cosine, with an error of lengths added.
func angleOf(a, b []float64) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab, aa, bb = ab+a[i]*b[i], aa+a[i]*a[i], bb+b[i]*b[i]
	}
	return 1 - ab/math.Sqrt(aa*bb) + math.Abs(math.Sqrt(aa/bb)-1)
}
