package page

import (
	"slices"
	"testing"

	"depthwise.dev/report"
	"depthwise.dev/report/history"
)

// TestOptionalCurves: norm of the gradients and scale of the loss have a chart where there are some.
func TestOptionalCurves(t *testing.T) {
	for _, tt := range []struct {
		name string
		step report.Step
		want []string
	}{
		{"neither", report.Step{}, nil},
		{"a norm", report.Step{GradNorm: 2}, []string{"Gradient norm"}},
		{"a scale", report.Step{LossScale: 65536}, []string{"Loss scale"}},
		{"both", report.Step{GradNorm: 2, LossScale: 65536}, []string{"Gradient norm", "Loss scale"}},
	} {
		h := &history.History{}
		tt.step.Step, tt.step.Epoch, tt.step.Batch, tt.step.Batches = 1, 1, 1, 2
		h.Add(tt.step)
		var got []string
		for _, c := range Curves(h) {
			if optional := []string{"Gradient norm", "Loss scale"}; slices.Contains(optional, c.Title) {
				got = append(got, c.Title)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
