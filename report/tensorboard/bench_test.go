package tensorboard

import (
	"testing"

	"depthwise.dev/report"
)

// BenchmarkStep: the time that a step's scalars take of the training loop.
func BenchmarkStep(b *testing.B) {
	r, err := Open(b.TempDir(), 0o644, 0)
	if err != nil {
		b.Fatal(err)
	}
	e := report.Step{Loss: 2.5, LR: 0.05, Top1: 0.5, ImagesPerSecond: 900, GradNorm: 1.5}
	for b.Loop() {
		e.Step++
		if err := r.Record(e); err != nil {
			b.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}
