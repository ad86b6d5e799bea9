package optim

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// queued applies an update by its form for a GPU and returns the norm.
func queued(s *autograd.Scope, u Update) float64 {
	values, err := u.(preparedStep).clippedOnDevice(s).Values()
	if err != nil || len(values) != 1 {
		s.Fail(fmt.Errorf("norm %v, error %w", values, err))
		return 0
	}
	return values[0]
}

// TestQueuedMatchesUnfused: a norm that stays on the device clips as one that the host reads. tol: the norm and the factor
// are float32 there, rounded to 6e-8 each.
func TestQueuedMatchesUnfused(t *testing.T) {
	for name, setting := range everySetting {
		for _, o := range []StepOptions{{LR: 0.01, MaxGradNorm: 1}, {LR: 0.01, GradScale: 3, MaxGradNorm: 1}, {LR: 0.01, GradScale: 0.125, MaxGradNorm: 1e9}} {
			t.Run(fmt.Sprintf("%s, scale %v, norm %v", name, o.GradScale, o.MaxGradNorm), func(t *testing.T) {
				autogradtest.Run(t, func(s *autograd.Scope) {
					device, host := newFixture(s), newFixture(s)
					a, b := newOptimizer(s, device.params, setting), newOptimizer(s, host.params, setting)
					for range 6 {
						device.giveGradients(s)
						host.giveGradients(s)
						got, want := queued(s, a.Prepare(o)), b.Prepare(o).Unfused(s)
						if math.Abs(got-want) > 1e-6*want {
							t.Errorf("norm %v, want %v", got, want)
						}
					}
					compareOptimizers(t, s, a, b, device, host, 1e-5)
				})
			})
		}
	}
}

// TestQueuedKeepsGradients: gradients are the same afterwards, for callbacks that look at them.
func TestQueuedKeepsGradients(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		p := vector(s, "a", []float32{1, 2}, []float32{3, 4})
		queued(s, newOptimizer(s, []Parameter{p}, SGD{WeightDecay: 0.1}).Prepare(StepOptions{LR: 1, MaxGradNorm: 1}))
		if got := autograd.ToSlice[float32](s, s.Grad(p.Tensor)); !slices.Equal(got, []float32{3, 4}) {
			t.Errorf("gradients %v", got)
		}
	})
}

// TestQueuedPropagatesNaN: the host cannot refuse the step, and the norm tells the caller.
func TestQueuedPropagatesNaN(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		autogradtest.Run(t, func(s *autograd.Scope) {
			p := vector(s, "a", []float32{1, 2}, []float32{1, float32(bad)})
			norm := queued(s, newOptimizer(s, []Parameter{p}, SGD{}).Prepare(StepOptions{LR: 1, MaxGradNorm: 1}))
			if finite(norm) || !math.IsNaN(float64(values(s, p)[1])) {
				t.Errorf("norm %v, parameter %v", norm, values(s, p))
			}
		})
	}
}

// TestQueuedOnCPU: on the CPU it is Unfused, whose norm is known at once.
func TestQueuedOnCPU(t *testing.T) {
	for _, bad := range []float32{4, float32(math.NaN())} {
		autogradtest.Run(t, func(s *autograd.Scope) {
			p := vector(s, "a", []float32{1, 2}, []float32{3, bad})
			o := newOptimizer(s, []Parameter{p}, SGD{})
			b := o.Prepare(StepOptions{LR: 1, MaxGradNorm: 1}).Queued(s)
			ready := b.Ready()
			norm, err := b.Values()
			if !ready || err != nil || finite(norm[0]) != (bad == 4) || finite(norm[0]) != (o.State().Steps == 1) {
				t.Errorf("ready %v, norm %v, error %v, %d steps", ready, norm, err, o.State().Steps)
			}
		})
	}
}
