package bench

import (
	"testing"

	"depthwise.dev/config"
)

// TestFusedLayersOfAStep: the number of fused layers is that of a step, forward and backward, however many steps run.
func TestFusedLayersOfAStep(t *testing.T) {
	c := config.Default()
	c.Model.Width, c.Model.Resolution, c.BatchSize, c.Precision, c.Backend = 0.25, 32, 4, "fp32", "fused"
	for _, steps := range []Steps{{Count: 1}, {Warmup: 2, Count: 3}} {
		step, err := Step(t.Context(), c, steps)
		if err != nil {
			t.Fatal(err)
		}
		infer, err := Infer(t.Context(), c, steps)
		if err != nil {
			t.Fatal(err)
		}
		if step.Fused != 2*27 || infer.Fused != 27 {
			t.Errorf("%+v: %d layers of a training step and %d of inference", steps, step.Fused, infer.Fused)
		}
	}
}
